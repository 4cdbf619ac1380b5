"""Tokenizer: record Examples -> packed rows of GPT-2 token ids."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.standard_artifacts import ExampleAnomalies, Examples

from components.artifacts import TokenStatistics
from components.declared import Declared
from components.example_formats import mark_examples
from components.tokens_page import TOKENS_PAGE, write_tokens_page
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import job_cache
from preprocessing.base.memory import require_memory
from preprocessing.options import TokenOptions
from preprocessing.records.record import SPLITS
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.job import list_shards, write_token_rows
from preprocessing.tokens.rows import TOKEN_BYTES
from preprocessing.tokens.statistics import SEPARATOR, STATISTICS_FILE

# How many records a message names.
_RECORDS_NAMED = 3


@component(use_beam=True)
def Tokenizer(  # noqa: N802 - a component is named like a class
    examples: InputArtifact[Examples],
    anomalies: InputArtifact[ExampleAnomalies],
    tokens: OutputArtifact[Examples],
    statistics: OutputArtifact[TokenStatistics],
    task: Parameter[str],
    options: Parameter[str],
    max_dropped_fraction: Parameter[float],
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Tokenise and pack every record of every split; `anomalies` is read so that only checked data gets here.

    options: TokenOptions as JSON. Shards that an earlier run has tokenised come from the cache (`job_cache`),
    if there is one. Raises InputError when no row is left to train on, or a larger share of the records than
    `max_dropped_fraction` does not fit into rows; or when a row does not fit into memory.
    """
    token_options = TASKS[task].token_options(TokenOptions(**json.loads(options)))
    length = token_options.sequence_length
    require_memory(f"tokens.sequence_length {length}", "one row alone", length * TOKEN_BYTES)
    shards = list_shards(examples.uri, tokens.uri)
    reused = write_token_rows(beam_pipeline, shards, token_options, statistics.uri, job_cache())
    mark_examples(tokens, SPLITS)
    counts = json.loads(Path(statistics.uri, STATISTICS_FILE).read_text(encoding="utf-8"))
    write_tokens_page(Path(statistics.uri, TOKENS_PAGE), counts, task)
    _check_train_rows(counts["splits"]["train"], token_options)
    check_drops(counts["splits"], counts["over_long"], max_dropped_fraction)
    _report_cuts(counts["splits"])
    if separators := sum(split["separators"] for split in counts["splits"].values()):
        remedy = ""
        if task == "text":
            remedy = f"; if it parts documents, set corpus.document_separator to {SEPARATOR!r}"
        progress.report(
            message=f"{SEPARATOR} stands {separators} times in texts and is read as text there{remedy}"
        )
    if reused:
        progress.report(
            message=f"{reused} of {len(shards)} shards were tokenised before and reused"
        )


def _check_train_rows(train: dict[str, Any], options: TokenOptions) -> None:
    if not train["rows"]:
        raise InputError(
            f"tokens.sequence_length: {options.sequence_length} leaves no row to train on: all "
            f"{train['dropped']} training records were dropped ({', '.join(train['reasons'])}). Raise it."
        )


def check_drops(splits: Mapping[str, Mapping[str, Any]], over_long: str, most: float) -> None:
    """Raise InputError if a larger share of all splits' records than `most` was dropped.

    splits: the statistics by split. over_long: what became of records longer than a row. The message has the
    reasons, and of each the first records.
    """
    records, dropped = (
        sum(split[name] for split in splits.values()) for name in ("records", "dropped")
    )
    if dropped <= most * records:
        return
    counts: Counter[str] = Counter()
    first: dict[str, list[str]] = defaultdict(list)
    for split in splits.values():
        for reason, found in split["reasons"].items():
            counts[reason] += found["count"]
            first[reason] += [
                f"{drop['source']}: {drop['id']} ({drop['detail']})" for drop in found["first"]
            ]
    others = " or ".join(way for way in ("truncate_prompt", "split") if way != over_long)
    raise InputError(
        f"{dropped} of {records} records have no place in a row, more than corpus.max_dropped_fraction {most:g} "
        f"allows; raise tokens.sequence_length, set tokens.over_long to {others}, or raise "
        "corpus.max_dropped_fraction",
        *(
            f"  {reason}: {count}, first {'; '.join(first[reason][:_RECORDS_NAMED])}"
            for reason, count in sorted(counts.items())
        ),
    )


def _report_cuts(splits: Mapping[str, Mapping[str, Any]]) -> None:
    """Say which records were cut, and how much of the corpus is lost."""

    def total(name: str) -> int:
        return sum(split[name] for split in splits.values())

    if cut := total("truncated"):
        lost = total("bytes_left_out")
        share = lost / total("bytes")
        names = [record["id"] for split in splits.values() for record in split["first_truncated"]]
        more = ", ..." if cut > _RECORDS_NAMED else ""
        progress.report(
            message=f"{cut} of {total('records')} records are longer than a row and were cut: {lost} bytes of text, "
            f"{share:.1%} of all, are in no row ({', '.join(names[:_RECORDS_NAMED])}{more})"
        )
    if dropped := total("dropped"):
        progress.report(message=f"{dropped} of {total('records')} records have no place in a row")


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    options = {**declared.section("tokens"), "vocabulary": declared.externals["vocabulary"]}
    return Tokenizer(
        task=declared.parameters["corpus.task"],
        options=json.dumps(options),
        max_dropped_fraction=declared.parameters["corpus.max_dropped_fraction"],
        **declared.inputs,
    )
