"""What the Tokenizer made of the records: counts, lengths, and the name of each that was left out."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from preprocessing.records.firsts import Drops, Firsts, firsts_of
from preprocessing.records.record import Drop

# As many corpora are written, to part documents; no text becomes the end of text by it.
SEPARATOR = "<|endoftext|>"

STATISTICS_FILE = "token_statistics.json"
# A line of JSON for each record that is in no row: its split and its id.
DROPPED_FILE = "dropped_records.jsonl"

BINS_AN_OCTAVE = 4


@dataclass
class Lengths:
    """How long records are, each at least 1: by steps of a quarter of an octave, a few numbers for any corpus.

    counts: bin -> records; the bin `k` has the lengths from 2^(k / 4) to below 2^((k + 1) / 4). Bins are texts, as JSON
        has them. total: of all lengths. longest: the greatest.
    """

    counts: dict[str, int] = field(default_factory=dict)
    total: int = 0
    longest: int = 0

    def add(self, length: int) -> None:
        """Count a record.

        >>> lengths = Lengths()
        >>> for length in (1, 16, 17, 32): lengths.add(length)
        >>> lengths
        Lengths(counts={'0': 1, '16': 2, '20': 1}, total=66, longest=32)
        """
        self.merge(Lengths({str(int(BINS_AN_OCTAVE * math.log2(length))): 1}, length, length))

    def merge(self, other: "Lengths") -> None:
        """Count what another has counted."""
        for number, count in other.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count
        self.total += other.total
        self.longest = max(self.longest, other.longest)


@dataclass
class TokenStatistics:
    """Counts over one shard or one split.

    records: read. separators: how often texts contain SEPARATOR, which there is text like any other.
    truncated: records of which a part is in no row, each as its id, source, bytes, bytes left out. bytes_left_out: of
        all these parts. bytes: of all records that were not dropped; not counted where they are one stream.
    rows: written. sequences: records, or windows of them, in the rows. tokens: in the rows, without padding.
        loss_tokens: those that count in the loss.
    characters: how long the texts of the records are that were not dropped. record_tokens: how many tokens are in the
        rows of each.
    drops: records that were dropped. dropped_ids: of all of them.
    """

    records: int = 0
    separators: int = 0
    truncated: Firsts[tuple[str, str, int, int]] = field(default_factory=Firsts)
    bytes_left_out: int = 0
    bytes: int = 0
    sequences: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    rows: int = 0
    characters: Lengths = field(default_factory=Lengths)
    record_tokens: Lengths = field(default_factory=Lengths)
    drops: Drops = field(default_factory=Drops)
    dropped_ids: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "TokenStatistics":
        """From the values that `asdict` gives."""
        lengths = {name: Lengths(**values[name]) for name in ("characters", "record_tokens")}
        drops, truncated = Drops.of(values["drops"]), firsts_of(values["truncated"])
        return cls(**{**values, **lengths, "drops": drops, "truncated": truncated})

    def add_drop(self, drop: Drop) -> None:
        """Count a dropped record."""
        self.dropped_ids.append(drop.id)
        self.drops.add(drop)

    def add_lengths(self, characters: int, tokens: int) -> None:
        """Note how long a record is. characters: 0 for one that came as ids."""
        if characters:
            self.characters.add(characters)
        self.record_tokens.add(tokens)

    def add_truncated(self, record_id: str, source: str, size: int, left_out: int) -> None:
        """Count a record of so many bytes of text, some left out."""
        self.truncated.add((record_id, source, size, left_out))
        self.bytes_left_out += left_out

    def report(self, sequence_length: int) -> dict[str, Any]:
        """The counts for JSON.

        `fill` is the share of the rows that is not padding, null without rows.
        """
        truncated = self.truncated.report("id", "source", "bytes", "left_out")
        return {
            "records": self.records,
            "dropped": self.drops.count,
            "reasons": self.drops.report(),
            "separators": self.separators,
            "truncated": truncated["count"],
            "bytes_left_out": self.bytes_left_out,
            "bytes": self.bytes,
            "first_truncated": truncated["first"],
            "sequences": self.sequences,
            "tokens": self.tokens,
            "loss_tokens": self.loss_tokens,
            "rows": self.rows,
            "characters": asdict(self.characters),
            "record_tokens": asdict(self.record_tokens),
            "fill": self.tokens / (self.rows * sequence_length) if self.rows else None,
        }


def merge(parts: Iterable[TokenStatistics]) -> TokenStatistics:
    """The sum of statistics."""
    total = TokenStatistics()
    for part in parts:
        for each in fields(TokenStatistics):
            found, more = getattr(total, each.name), getattr(part, each.name)
            if isinstance(found, int | list):
                setattr(total, each.name, found + more)
            else:
                found.merge(more)
    return total


def edge(number: int) -> float:
    """The least length of a bin."""
    return float(2 ** (number / BINS_AN_OCTAVE))


def quantile(counts: Mapping[str, int], longest: int, share: float) -> float:
    """The length that a share of the records does not reach, as near as the bins tell it; 0 without records."""
    waiting = share * sum(counts.values())
    for number in sorted(map(int, counts)):
        waiting -= counts[str(number)]
        if waiting <= 0:
            return min(edge(number) * 2 ** (0.5 / BINS_AN_OCTAVE), longest)
    return 0.0
