"""What the Tokenizer made of the records: counts, and the name of each that was left out."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from preprocessing.records.record import Drop
from preprocessing.tokens.lengths import Lengths

# As many corpora are written, to part documents; no text becomes the end of text by it.
SEPARATOR = "<|endoftext|>"

STATISTICS_FILE = "token_statistics.json"
# A line of JSON for each record that is in no row: its split and its id.
DROPPED_FILE = "dropped_records.jsonl"

_FIRST_DROPS = 20
_FIRST_TRUNCATED = 20


@dataclass
class TokenStatistics:
    """Counts over one shard or one split.

    Attributes:
        records: read.
        separators: how often texts contain SEPARATOR, which there is text like any other.
        truncated: records of which a part is in no row, and
        bytes_left_out: how many bytes of text these parts have, of
        bytes: those of all records that were not dropped; not counted where they are one stream.
        first_truncated: the first of the records that were truncated: id, source, bytes, left_out.
        sequences: records, or windows of them, in the rows.
        tokens: in the rows, without padding.
        loss_tokens: tokens that count in the loss.
        rows: written.
        characters: how long the texts of the records are that were not dropped, and
        record_tokens: how many tokens are in the rows of each.
        drop_counts: dropped records by reason.
        first_drops: the first of them by reason: id, source, detail.
        dropped_ids: of all of them.
    """

    records: int = 0
    separators: int = 0
    truncated: int = 0
    bytes_left_out: int = 0
    bytes: int = 0
    sequences: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    rows: int = 0
    characters: Lengths = field(default_factory=Lengths)
    record_tokens: Lengths = field(default_factory=Lengths)
    drop_counts: dict[str, int] = field(default_factory=dict)
    first_drops: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    first_truncated: list[dict[str, Any]] = field(default_factory=list)
    dropped_ids: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "TokenStatistics":
        """From the values that `asdict` gives."""
        lengths = {name: Lengths(**values[name]) for name in ("characters", "record_tokens")}
        return cls(**{**values, **lengths})

    def add_drop(self, drop: Drop) -> None:
        """Count a dropped record, and keep it if it is one of the first for its reason."""
        self.dropped_ids.append(drop.id)
        self.drop_counts[drop.reason] = self.drop_counts.get(drop.reason, 0) + 1
        first = self.first_drops.setdefault(drop.reason, [])
        if len(first) < _FIRST_DROPS:
            first.append({"id": drop.id, "source": drop.source, "detail": drop.detail})

    def add_lengths(self, characters: int, tokens: int) -> None:
        """Note how long a record is. characters: 0 for one that came as ids."""
        if characters:
            self.characters.add(characters)
        self.record_tokens.add(tokens)

    def add_truncated(self, record_id: str, source: str, size: int, left_out: int) -> None:
        """Count a record of so many bytes of text, some left out, and keep it if it is one of the first."""
        self.truncated += 1
        self.bytes_left_out += left_out
        if len(self.first_truncated) < _FIRST_TRUNCATED:
            found = {"id": record_id, "source": source, "bytes": size, "left_out": left_out}
            self.first_truncated.append(found)

    def report(self, sequence_length: int) -> dict[str, Any]:
        """The counts for JSON.

        `fill` is the share of the rows that is not padding, null without rows.
        """
        return {
            "records": self.records,
            "dropped": sum(self.drop_counts.values()),
            "reasons": {
                reason: {"count": count, "first": self.first_drops[reason]}
                for reason, count in sorted(self.drop_counts.items())
            },
            "separators": self.separators,
            "truncated": self.truncated,
            "bytes_left_out": self.bytes_left_out,
            "bytes": self.bytes,
            "first_truncated": self.first_truncated,
            "sequences": self.sequences,
            "tokens": self.tokens,
            "loss_tokens": self.loss_tokens,
            "rows": self.rows,
            "characters": asdict(self.characters),
            "record_tokens": asdict(self.record_tokens),
            "fill": self.tokens / (self.rows * sequence_length) if self.rows else None,
        }


def merge(parts: Iterable[TokenStatistics]) -> TokenStatistics:
    """The sum of statistics; of the drops those that come first in the order of `parts`."""
    total = TokenStatistics()
    for part in parts:
        for each in fields(TokenStatistics):
            if each.type is int:
                setattr(total, each.name, getattr(total, each.name) + getattr(part, each.name))
        first_truncated = total.first_truncated + part.first_truncated
        total.first_truncated = first_truncated[:_FIRST_TRUNCATED]
        total.characters.merge(part.characters)
        total.record_tokens.merge(part.record_tokens)
        total.dropped_ids += part.dropped_ids
        for reason, count in part.drop_counts.items():
            total.drop_counts[reason] = total.drop_counts.get(reason, 0) + count
            first = total.first_drops.get(reason, []) + part.first_drops[reason]
            total.first_drops[reason] = first[:_FIRST_DROPS]
    return total
