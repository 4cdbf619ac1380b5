"""The tasks: for each, how its corpus is read, learned and scored."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from preprocessing.options import (
    TASK_METRICS,
    TASK_WINDOWS,
    CorpusOptions,
    LossOn,
    OverLong,
    TokenOptions,
    Windows,
)
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.tables import Rows
from preprocessing.records.record import Outcome
from preprocessing.tasks import cnn_dailymail, coqa, text

Parse = Callable[[SourceFile, bytes, CorpusOptions, int], Iterator[Outcome]]

Columns = tuple[tuple[str, ...], tuple[str, ...]]
"""The columns that a table must have, and those that it may have."""


@dataclass(frozen=True)
class Table:
    """How a task reads tables, which hold a document a row.

    columns: options -> the columns.
    parse_rows: (source, its rows, options, seed) -> records, drops and faults.
    """

    columns: Callable[[CorpusOptions], Columns]
    parse_rows: Callable[[SourceFile, Rows, CorpusOptions, int], Iterator[Outcome]]


@dataclass(frozen=True)
class Task:
    """What distinguishes a task.

    name: as in `corpus.task`.
    parse: (source, its bytes, options, seed) -> records, drops and faults; a pure function.
    stop: the strings at which a generated text ends, besides the end of text id.
    metrics: the scores of a model, by name.
    table: how tables are read, None where the task has none.
    loss_on, over_long, windows: what the options of these names mean where they are None.
    """

    name: str
    parse: Parse
    stop: tuple[str, ...]
    metrics: tuple[str, ...]
    loss_on: LossOn
    over_long: OverLong
    windows: Windows
    table: Table | None = None

    def token_options(self, options: TokenOptions) -> TokenOptions:
        """The options with the task's own defaults in place of None."""
        return replace(
            options,
            over_long=options.over_long or self.over_long,
            windows=options.windows or self.windows,
        )


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                name="cnn_dailymail",
                parse=cnn_dailymail.parse,
                stop=(),
                metrics=TASK_METRICS["cnn_dailymail"],
                loss_on="target",
                over_long="truncate_prompt",
                windows=TASK_WINDOWS["cnn_dailymail"],
                table=Table(cnn_dailymail.columns, cnn_dailymail.parse_rows),
            ),
            Task(
                name="coqa",
                parse=coqa.parse,
                stop=("\n",),
                metrics=TASK_METRICS["coqa"],
                loss_on="target",
                over_long="truncate_prompt",
                windows=TASK_WINDOWS["coqa"],
            ),
            Task(
                name="text",
                parse=text.parse,
                stop=(),
                metrics=TASK_METRICS["text"],
                loss_on="all",
                over_long="split",
                windows=TASK_WINDOWS["text"],
                table=Table(text.columns, text.parse_rows),
            ),
        )
    }
)
