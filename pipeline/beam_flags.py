"""How Beam runs a node's job: in memory, in several processes, or as `beam.args` says (no TFX here)."""

import glob
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path

from pipeline.config import BeamOptions
from preprocessing.base.errors import InputError
from preprocessing.base.folder_files import files_beneath

# From how many bytes of corpus on several processes are worth their start: it takes about 2 s where workers import our
# modules alone, and about 15 s where they import TFX. Below two shards Tokenizer has no use for a second process.
PARALLEL_BYTES = 32 * 2**20
PARALLEL_BYTES_TFX = 256 * 2**20

_ON_THIS_MACHINE = (
    # TFX makes a source package of itself for every job that says nothing of what its workers have, also where there
    # are none: 2 s, and a folder that stays. Workers on this machine have what this process has, and no container.
    "--sdk_container_image=none",
    # Beam 2.77's direct runner first tries to download Prism, a runner in another language, and to run it; only then
    # does it work in this process. It does not try for pipelines that may have unsafe triggers. Ours have no triggers.
    "--allow_unsafe_triggers",
)


def beam_flags(options: BeamOptions, corpus: Path, imports_tfx: bool) -> list[str]:
    """The pipeline options of a node's Beam job.

    corpus: what `corpus.path` names; `auto` looks at its size.
    imports_tfx: whether the job's workers need TFX, as those of stock nodes do.

    `beam.args` come last, so they win; if they name a runner, nothing is said about the direct one. A DaskRunner is
    not for stock nodes: it does not translate the reading of files (Beam 2.77), with which their jobs begin.
    """
    flags = ["--beam_plugins=tfx"] if imports_tfx else []
    runner = _named_runner(options.args)
    if runner is not None and runner.endswith("DaskRunner") and imports_tfx:
        direct = _direct_runner_flags(options, corpus, imports_tfx)
        return [*flags, *direct, *options.args, "--runner=DirectRunner"]
    if runner is None:
        flags += _direct_runner_flags(options, corpus, imports_tfx)
    return [*flags, *options.args]


def require_known(flags: Sequence[str]) -> None:
    """InputError where Beam cannot read pipeline options, or knows no runner of the name that they have."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.runner import create_runner

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            options = PipelineOptions(list(flags)).get_all_options()
        if options["runner"] is not None:
            create_runner(options["runner"])
    except SystemExit:  # as argparse ends who reads a command line
        reason = said.getvalue().rpartition("error: ")[2].strip()
        raise InputError(f"beam.args: {reason}; see docs/runners.md") from None
    except (ValueError, ImportError, AttributeError) as error:
        raise InputError(f"beam.args: {error}; see docs/runners.md") from error


def worker_flags(options: BeamOptions, count: int) -> list[str]:
    """The pipeline options of a job that has `count` workers, or all its work done in the node's own process."""
    if count == 1:
        return [*_ON_THIS_MACHINE]
    if _named_runner(options.args) is not None:
        return options.args
    return [*_ON_THIS_MACHINE, *_processes(count), *options.args]


def _named_runner(args: Sequence[str]) -> str | None:
    """The runner that pipeline options name: `--runner=NAME` or `--runner NAME`."""
    for arg, following in zip(args, [*args[1:], ""], strict=False):
        if arg == "--runner":
            return following
        if arg.startswith("--runner="):
            return arg.removeprefix("--runner=")
    return None


def _direct_runner_flags(options: BeamOptions, corpus: Path, imports_tfx: bool) -> list[str]:
    cores = len(os.sched_getaffinity(0))
    parallel = options.runner == "multi_processing"
    if options.runner == "auto" and cores > 1:
        parallel = holds_bytes(corpus, PARALLEL_BYTES_TFX if imports_tfx else PARALLEL_BYTES)
    return [*_ON_THIS_MACHINE, *(_processes(cores) if parallel else [])]


def _processes(count: int) -> list[str]:
    return ["--direct_running_mode=multi_processing", f"--direct_num_workers={count}"]


def holds_bytes(path: Path, size: int) -> bool:
    """Whether the files that `path` names (a file, a folder or a pattern) have `size` bytes or more together.

    Looks at no more files than it takes to say so. What cannot be looked at counts as empty.
    """
    places: Iterable[str] = [str(path)] if path.exists() else glob.iglob(str(path), recursive=True)
    total = 0
    for place in places:
        for found in _sizes(place):
            total += found
            if total >= size:
                return True
    return False


def _sizes(place: str) -> Iterator[int]:
    """The size of a file, or of every file below a folder."""
    try:
        for _, path in files_beneath(Path(place)):
            yield os.path.getsize(path)
    except (InputError, OSError):
        return
