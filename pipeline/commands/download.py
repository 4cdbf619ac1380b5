"""`gpt2-tfx download`: OpenAI's files of a size into a folder."""

import argparse
import os
import sys
import time
from pathlib import Path

from pipeline.downloads.file_download import DownloadError, Progress
from pipeline.downloads.openai_checkpoint import BASE_URL, BASE_URL_VARIABLE, download
from pipeline.framework_imports import quiet_tensorflow
from pipeline.progress_display import byte_count
from preprocessing.base.errors import InputError

_SECONDS_BETWEEN_LINES = 10.0  # where stderr is no terminal


def run(arguments: argparse.Namespace) -> int:
    """Print the folder, which then is a base model; 1 where a file cannot be had."""
    quiet_tensorflow()
    folder: Path = arguments.to or Path("models") / arguments.size
    base_url = os.environ.get(BASE_URL_VARIABLE, BASE_URL)
    line = _ProgressLine()
    try:
        download(arguments.size, folder, line.show, base_url)
    except DownloadError as error:
        line.end()
        print(f"gpt2-tfx: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        line.end()
        raise InputError(
            f"--to {folder}: cannot be written: {error.strerror}. Name another folder."
        ) from error
    line.end()
    print(folder)
    return 0


class _ProgressLine:
    """One line on a terminal, written over; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._open = False
        self._last = float("-inf")

    def show(self, progress: Progress) -> None:
        """Say how far a file is, not too often, and always when it is whole."""
        now = time.monotonic()
        whole = progress.done == progress.total
        pause = 0.2 if self._terminal else _SECONDS_BETWEEN_LINES
        if now - self._last < pause and not whole:
            return
        self._last = now
        text = progress_text(progress)
        if self._terminal:
            print(f"\r{text:<78}", end="\n" if whole else "", file=sys.stderr, flush=True)
            self._open = not whole
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line that is being written over."""
        if self._open:
            print(file=sys.stderr)


def progress_text(progress: Progress) -> str:
    """Such as `model.ckpt.index  45% of 5.2 kB, 12.0 MB/s, 0:03 left`."""
    rate = f"{byte_count(progress.rate)}/s"
    if progress.total is None or progress.seconds_left is None:
        return f"{progress.file}  {byte_count(progress.done)}, {rate}"
    share = progress.done / progress.total if progress.total else 1.0
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    left = f"{minutes}:{seconds:02d} left"
    return f"{progress.file}  {share:.0%} of {byte_count(progress.total)}, {rate}, {left}"
