"""The options of this layer: each dataclass is a section of `pipeline.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

TaskName = Literal["cnn_dailymail", "coqa", "text"]
HighlightMode = Literal["random", "first", "all", "each"]
LossOn = Literal["target", "all"]
OverLong = Literal["truncate_prompt", "drop", "split"]


# The scores of a model by task, the first the one that is looked at first.
TASK_METRICS: Mapping[TaskName, tuple[str, ...]] = MappingProxyType(
    {
        "cnn_dailymail": ("rouge1", "rouge2", "rougeL", "rougeLsum", "perplexity"),
        "coqa": ("exact_match", "f1", "perplexity"),
        "text": ("perplexity",),
    }
)


@dataclass(frozen=True)
class CorpusOptions:
    """Section `corpus`: which corpus, and how it becomes records.

    task: what the corpus is, and how it is learned and scored.
    path: the corpus' folder, or a single file for `text` and `coqa`.
    highlight: which highlights of a story are its summary: all of them joined by newlines, the
        first, one drawn by the record's id and the seed, or each in a record of its own.
    loss_on: `target` counts the loss on summaries or answers only, `all` on the whole record;
        None is the task's own default (`all` for text, else `target`).
    validation_fraction, test_fraction: shares of the corpus where the release has no splits.
    max_dropped_fraction: the run stops if a larger share of the records was dropped.
    max_record_bytes: longer stories and conversations are dropped, longer texts are cut.
    """

    task: TaskName = "cnn_dailymail"
    path: str = "data/cnn_dailymail"
    highlight: HighlightMode = "all"
    loss_on: LossOn | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.1
    max_dropped_fraction: float = 0.01
    max_record_bytes: int = 16 * 1024 * 1024

    @property
    def split_fractions(self) -> tuple[float, float]:
        """The shares of validation and test."""
        return self.validation_fraction, self.test_fraction


@dataclass(frozen=True)
class TokenOptions:
    """Section `tokens`: how records become rows of token ids.

    sequence_length: tokens in a row.
    packing: put several records into a row; otherwise each row holds one and padding.
    over_long: what happens to a record longer than a row: its prompt is cut at the end, or it is
        dropped, or it continues in further rows; None is the task's own default (`split` for
        text, else `truncate_prompt`).
    vocabulary: `gpt2`, `bytes`, or a folder with `encoder.json` and `vocab.bpe`.
    """

    sequence_length: int = 512
    packing: bool = True
    over_long: OverLong | None = None
    vocabulary: str = "gpt2"
