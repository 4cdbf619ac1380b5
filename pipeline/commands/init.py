"""`gpt2-tfx init`: a commented `pipeline.yaml` for one's own corpus."""

import argparse
import os
import shlex
from pathlib import Path

from pipeline.own_configuration import own_configuration, path_from, workspace_beside
from preprocessing.base.errors import InputError
from preprocessing.base.utf8 import printable
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import CorpusFiles
from preprocessing.tasks.recognition import recognise
from preprocessing.tasks.registry import task_named


def run(arguments: argparse.Namespace) -> int:
    """Write the file and say what is in it; one that is there is left as it is."""
    file: Path = arguments.config
    if arguments.overrides:
        raise InputError(
            f"--set {arguments.overrides[0]}: init reads no configuration; give it to the next command."
        )
    if os.path.lexists(file):
        raise _exists(file)
    task = None if arguments.task is None else task_named(arguments.task)
    # Not resolved: a corpus is named as its owner names it.
    folder = file.absolute().parent
    if arguments.path is None:
        task = task or task_named(CorpusOptions().task)
        text = own_configuration(task, None, {}, "workspace")
        found = f"edit   corpus.path in it: {task.corpora}"
    else:
        corpus = Path(os.path.abspath(arguments.path))
        place = path_from(folder, corpus)
        if place != printable(place):
            raise InputError(f"{printable(place)}: is called what is no UTF-8; rename it.")
        recognised = recognise(CorpusFiles(corpus), task)
        task = recognised.task
        workspace = workspace_beside(folder, corpus)
        text = own_configuration(task, place, recognised.keys, workspace)
        files = "1 file" if recognised.files == 1 else f"{recognised.files:,} files"
        found = f"found  {files}, {recognised.size:,} bytes in {arguments.path}"
    _write(file, text)
    given = "" if file == Path("pipeline.yaml") else f"--config {shlex.quote(str(file))} "
    lines = [
        f"wrote  {file}",
        f"task   {task.name}",
        found,
        f"next   gpt2-tfx {given}plan, then gpt2-tfx {given}run",
    ]
    print(printable("\n".join(lines)))
    return 0


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise _exists(file) from None
    except OSError as error:
        raise InputError(
            f"--config {file}: cannot be written ({error.strerror}); name another file."
        ) from error


def _exists(file: Path) -> InputError:
    return InputError(
        f"--config {file}: exists already; remove it, or name another with --config FILE."
    )
