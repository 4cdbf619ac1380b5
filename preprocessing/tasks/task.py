"""What a task is: one object that everything asks which must do it one way or another by the task."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from preprocessing.options import (
    TASK_WINDOWS,
    CorpusOptions,
    LossOn,
    OverLong,
    TaskName,
    TokenOptions,
)
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.readers.table_pieces import table_pieces
from preprocessing.records.record import Outcome, Segment
from preprocessing.tasks.cleaning import Change


def _as_they_are(sources: Sources, corpus: Corpus) -> Sources:
    return sources


Cleaned = Callable[[SourceFile, Corpus], Iterator[tuple[str, Change]]]

NextAnswer = Callable[[str, Sequence[tuple[str, ...]]], tuple[Segment, ...]]

Keys = Mapping[str, str]
"""Keys of the section `corpus` with their values."""


@dataclass(frozen=True)
class Task:
    """What distinguishes a task.

    name: as in `corpus.task`.
    corpora: what a corpus of the task is, in words.
    recognise: (files) -> the keys that a corpus of the task needs beside its path, None where the files are none. Only
        names and first rows are looked at; raises InputError as `list_files` does for what cannot be listed.
    list_files: (files, options) -> the sources of a corpus in order, each a whole file; raises InputError where there
        are none. Nothing is read but lists of names.
    look: (source, corpus) -> the pieces of a file, which who has read it knows, or itself.
    cut: (sources that were looked at, corpus) -> the sources to read.
    read: (source, corpus) -> records, drops and faults. Raises READ_ERRORS.
    prompt: (what a user has) -> the segments of the prompt that asks for its text. Raises InputError.
    next_answer: (story, turns of a question and its answer, the last without one) -> those of the prompt for its
        answer; None where a record is no conversation.
    stop: the strings at which a generated text ends, besides the end of text id.
    new_tokens: how many tokens are enough for most of the texts that are asked for.
    loss_on, over_long: what the options of these names mean where they are None.
    cleaned: (as read) -> what cleaning does to the documents of a source, each with the document's id; None where
        texts stay as they are but for white space. Raises READ_ERRORS.
    """

    name: TaskName
    corpora: str
    recognise: Callable[[CorpusFiles], Keys | None]
    list_files: Callable[[CorpusFiles, CorpusOptions], Sources]
    read: Callable[[SourceFile, Corpus], Iterator[Outcome]]
    prompt: Callable[[str], tuple[Segment, ...]]
    stop: tuple[str, ...]
    new_tokens: int
    loss_on: LossOn
    over_long: OverLong
    look: Callable[[SourceFile, Corpus], list[SourceFile]] = table_pieces
    cut: Callable[[Sources, Corpus], Sources] = _as_they_are
    cleaned: Cleaned | None = None
    next_answer: NextAnswer | None = None

    def token_options(self, options: TokenOptions) -> TokenOptions:
        """The options with the task's own defaults in place of None."""
        return replace(
            options,
            over_long=options.over_long or self.over_long,
            windows=options.windows or TASK_WINDOWS[self.name],
        )
