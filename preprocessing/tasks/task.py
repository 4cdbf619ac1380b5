"""What a task is: one object that everything asks which must do it one way or another by the task."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preprocessing.options import CorpusOptions, LossOn, OverLong, TokenOptions, Windows
from preprocessing.readers.content import OpenFile
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Outcome


@dataclass(frozen=True)
class Task:
    """What distinguishes a task.

    name: as in `corpus.task`.
    list_sources: (the corpus' folder or file, options) -> its sources in order; raises InputError where there are none.
    read: (source, how a file is opened, options, seed) -> records, drops and faults. Raises READ_ERRORS.
    stop: the strings at which a generated text ends, besides the end of text id.
    metrics: the scores of a model, by name.
    loss_on, over_long, windows: what the options of these names mean where they are None.
    """

    name: str
    list_sources: Callable[[Path, CorpusOptions], list[SourceFile]]
    read: Callable[[SourceFile, OpenFile, CorpusOptions, int], Iterator[Outcome]]
    stop: tuple[str, ...]
    metrics: tuple[str, ...]
    loss_on: LossOn
    over_long: OverLong
    windows: Windows

    def token_options(self, options: TokenOptions) -> TokenOptions:
        """The options with the task's own defaults in place of None."""
        return replace(
            options,
            over_long=options.over_long or self.over_long,
            windows=options.windows or self.windows,
        )
