"""Processes of this machine that share a job's work, where its Beam pipeline would be run here anyway.

They are forked: a worker that Beam's direct runner starts is a new Python, which takes 1.7 s of processor time to
import what this process has (14 s before bytecode exists), for each job anew.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Protocol, TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from preprocessing.base import progress

# What is less is done in the process that asks.
SMALL_BYTES = 16 * 1024 * 1024

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Map(Protocol):
    """As the function `map`."""

    def __call__(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item], /
    ) -> Iterator[_Result]:
        """The results in the order of the items."""


def local_processes(pipeline: beam.Pipeline, size: int) -> int | None:
    """In how many processes of this machine so many bytes are to be read, None if a pipeline is to be run for it.

    So say the pipeline's options, but for little one is enough.
    """
    if pipeline.options.view_as(StandardOptions).runner not in (None, "DirectRunner"):
        return None
    options = pipeline.options.view_as(DirectOptions)
    several = options.direct_num_workers if size > SMALL_BYTES else 1
    modes = {"in_memory": 1, "multi_processing": several}
    return modes.get(options.direct_running_mode)


@contextmanager
def workers(count: int) -> Iterator[Map]:
    """A `map` over so many processes, or in this one; what is mapped must be picklable unless `count` is 1."""
    if count <= 1:
        yield map
        return
    context = get_context("fork")
    with ProcessPoolExecutor(count, context, _begin, (os.getpid(),)) as pool:
        try:
            yield pool.map
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _begin(parent: int) -> None:
    """Say nothing of progress, which the parent counts; leave interrupts to it, and end with it."""
    progress.set_sink(None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
