"""The tasks: for each, how its corpus is read, learned and scored."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from preprocessing import cnn_dailymail, coqa, text
from preprocessing.options import TASK_METRICS, CorpusOptions, LossOn, OverLong
from preprocessing.records import Outcome
from preprocessing.sources import SourceFile

Parse = Callable[[SourceFile, bytes, CorpusOptions, int], Iterator[Outcome]]


@dataclass(frozen=True)
class Task:
    """What distinguishes a task.

    name: as in `corpus.task`.
    parse: (source, its bytes, options, seed) -> records, drops and faults; a pure function.
    stop: the strings at which a generated text ends, besides the end of text id.
    metrics: the scores of a model, by name.
    loss_on, over_long: what the options of these names mean where they are None.
    """

    name: str
    parse: Parse
    stop: tuple[str, ...]
    metrics: tuple[str, ...]
    loss_on: LossOn
    over_long: OverLong


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
            ),
            Task(
                name="coqa",
                parse=coqa.parse,
                stop=("\n",),
                metrics=TASK_METRICS["coqa"],
                loss_on="target",
                over_long="truncate_prompt",
            ),
            Task(
                name="text",
                parse=text.parse,
                stop=(),
                metrics=TASK_METRICS["text"],
                loss_on="all",
                over_long="split",
            ),
        )
    }
)
