"""The options of this layer: each dataclass is a section of `pipeline.yaml`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Literal

from preprocessing.base.ranges import Count, Fraction, Range

TaskName = Literal["cnn_dailymail", "coqa", "text"]
HighlightMode = Literal["random", "first", "all", "each"]
LossOn = Literal["target", "all"]
OverLong = Literal["truncate_prompt", "drop", "split"]
OnLeak = Literal["warn", "drop", "fail"]
Windows = Literal["off", "contiguous", "random"]


# The scores of a model by task, the first the one that is looked at first.
TASK_METRICS: Mapping[TaskName, tuple[str, ...]] = MappingProxyType(
    {
        "cnn_dailymail": ("rouge1", "rouge2", "rougeL", "rougeLsum", "perplexity"),
        "coqa": ("exact_match", "f1", "perplexity"),
        "text": ("perplexity",),
    }
)

# What `tokens.windows` means for a task where it is None.
TASK_WINDOWS: Mapping[TaskName, Windows] = MappingProxyType(
    {"cnn_dailymail": "off", "coqa": "off", "text": "contiguous"}
)


@dataclass(frozen=True)
class CorpusOptions:
    """Which corpus, and how it becomes records.

    task: what the corpus is, and how it is learned and scored.
    path: the corpus' folder, or a single file. For `text` it may hold a pattern: `books/*.txt` is short for
        `path: books` with `text_files: "*.txt"`.
    highlight: the highlights of a story that are its summary: `all` of them joined by newlines, the `first`, one at
        `random` (by the record's id and the seed), or `each` in a record of its own.
    loss_on: what the loss counts: `target` is summaries and answers only, `all` the whole record. By default `all`
        for text, else `target`.
    validation_fraction, test_fraction: share of the corpus where the release has no splits.
    max_dropped_fraction: the run stops if a larger share of the records was dropped, where they are read or where they
        become rows.
    on_leak: what is done about the same document in two splits: `warn` reports it; `drop` leaves it out of the less
        held-out one (test is kept before validation, validation before train), which does not count towards
        `max_dropped_fraction`; `fail` stops the run.
    max_record_bytes: the largest record. Longer stories, conversations and rows are dropped, longer `.txt` files are
        cut; a CoQA file may have 16 times as many.
    article_column, highlights_column: the columns (of a table in JSON the keys) of a story's article and its
        highlights (one a line, or a list), for `cnn_dailymail`.
    text_column: the column (of a `.jsonl` the key) that holds the document, for `text`.
    document_separator: what parts the documents of a `.txt` file, such as `<|endoftext|>`, for `text`. Each is then a
        record, in the split of its file's name or by hash; null takes each file as one document.
    text_files: a pattern (`*`, `?`, `[a-z]`, `**`) for the names in the folder that are read, for `text`; null reads
        all.
    exclude: ids of records and names of files to leave out, counted but no reason to stop.
    exclude_file: a file in the corpus' folder with more of them, one a line.
    """

    task: TaskName = "cnn_dailymail"
    path: str = "data/cnn_dailymail"
    highlight: HighlightMode = "all"
    loss_on: LossOn | None = None
    validation_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.1
    max_dropped_fraction: Annotated[float, Range(least=0, most=1)] = 0.01
    on_leak: OnLeak = "warn"
    max_record_bytes: Count = 16 * 1024 * 1024
    article_column: str = "article"
    highlights_column: str = "highlights"
    text_column: str = "text"
    document_separator: str | None = None
    text_files: str | None = None
    exclude: list[str] = field(default_factory=list)
    exclude_file: str | None = None

    @cached_property
    def excluded(self) -> frozenset[str]:
        """`exclude` as a set; of several records of one content (`~2`, `~3`) all are meant."""
        return frozenset(re.sub(r"^([0-9a-f]{32})~\d+", r"\1", name) for name in self.exclude)

    @property
    def max_whole_file_bytes(self) -> int:
        """The largest file with many records that is read at once: 16 records of the largest."""
        return 16 * self.max_record_bytes

    @property
    def split_fractions(self) -> tuple[float, float]:
        """The shares of validation and test."""
        return self.validation_fraction, self.test_fraction


@dataclass(frozen=True)
class TokenOptions:
    """How records become rows of token ids.

    sequence_length: tokens in a row; at most the model's context.
    packing: put several records into a row, kept apart by the attention mask; otherwise each row holds one and padding.
    over_long: what happens to a record longer than a row: `truncate_prompt` cuts the end of its prompt, `drop` drops
        it, `split` continues it in further rows. By default `split` for text, else `truncate_prompt`.
    vocabulary: `gpt2`, `bytes`, or a folder with `encoder.json` and `vocab.bpe`.
    windows: read records as one stream of tokens, cut into rows one behind the other that overlap by a token
        (`contiguous`), or into new rows at random places at each step of training (`random`; what is held out is cut
        as by `contiguous`); or `off`. By default `contiguous` for text, else `off`. Not with `over_long` or
        `packing: false`.
    """

    sequence_length: Annotated[int, Range(least=2)] = 512
    packing: bool = True
    over_long: OverLong | None = None
    vocabulary: str = "gpt2"
    windows: Windows | None = None

    @property
    def is_stream(self) -> bool:
        """Whether records are read as one stream, if `windows` says so itself."""
        return self.windows in ("contiguous", "random")
