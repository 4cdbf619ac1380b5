"""Texts of an evaluation written by the workers of a Beam pipeline, each of which loads the model.

A worker keeps what it has written as parts of a result, as the node's own process does, in a folder that all of them
see. So who reads the parts need not know who wrote them, and a kill loses the groups that were being written.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions

from components.evaluation import TextGroup, TextWriter
from components.score_cache import PartsOf
from preprocessing.base import progress
from preprocessing.base.memory import require_memory
from preprocessing.base.stages import Spread, Stage
from serving.model import LanguageModel, load_model

# What a process takes that has imported TensorFlow and computes nothing, at the least.
_PROCESS_BYTES = 200 * 2**20
# How many seconds lie between two looks at what is kept.
_PAUSE = 1.0
_LOADING = threading.Lock()


@dataclass(frozen=True)
class SpreadTexts:
    """Runs a pipeline for the groups of one model.

    options: say where its workers are, and how many. vocabulary: the name with which a worker loads the model.
    Raises InputError for more processes than this machine has memory for, whatever the model.
    """

    options: PipelineOptions
    vocabulary: str

    def __post_init__(self) -> None:
        direct = self.options.view_as(DirectOptions)
        if direct.direct_running_mode == "multi_processing":
            count = direct.direct_num_workers
            require_memory(
                f"evaluation.workers {count}", "TensorFlow in each alone", count * _PROCESS_BYTES
            )

    def __call__(
        self,
        model: Path,
        writer: TextWriter,
        groups: Sequence[TextGroup],
        parts: PartsOf,
        label: str,
    ) -> None:
        """Returns when every group's texts are kept."""
        pipeline = beam.Pipeline(options=self.options)
        write = _WriteGroup(str(model), self.vocabulary, writer, parts)
        _ = (
            pipeline
            | "Groups" >> beam.Create(groups, reshuffle=False)
            | "SpreadGroups" >> Spread(lambda group: group.number)
            | "Write" >> beam.ParDo(Stage(write, pipeline))
        )
        with _progress_of(parts, groups, label):
            pipeline.run().wait_until_finish()


@dataclass(frozen=True)
class _WriteGroup:
    """What a worker does with a group."""

    model: str
    vocabulary: str
    writer: TextWriter
    parts: PartsOf

    def __call__(self, group: TextGroup) -> Iterable[None]:
        self.parts(group.number, lambda: self.writer.write(self._loaded(), group))
        return ()

    def _loaded(self) -> LanguageModel:
        """The model of this process, which its threads share."""
        with _LOADING:
            return _loaded(self.model, self.vocabulary)


@lru_cache(maxsize=1)
def _loaded(path: str, vocabulary: str) -> LanguageModel:
    return load_model(Path(path), vocabulary)


@contextmanager
def _progress_of(parts: PartsOf, groups: Sequence[TextGroup], label: str) -> Iterator[None]:
    """Says again and again how many texts are kept: workers have nobody to tell."""
    ended = threading.Event()
    total = sum(len(group.targets) for group in groups)

    def watch() -> None:
        while not ended.wait(_PAUSE):
            done = min(total, parts.count() * len(groups[0].targets))
            progress.report(phase=label, done=done, total=total, unit="texts")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
