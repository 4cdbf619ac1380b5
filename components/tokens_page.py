"""The page that tells how long records are in characters and tokens, what was cut, and what is lost by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preprocessing.base.pages import write_page
from preprocessing.tokens.statistics import edge, quantile

TOKENS_PAGE = "tokens.html"
# What is drawn: the title, and where the statistics of a split have it.
_DRAWN = {"characters of a record": "characters", "tokens of a record in its rows": "record_tokens"}


@dataclass(frozen=True)
class LengthChart:
    """How the records of each split spread over lengths, on a logarithmic scale.

    shares: split -> [bins], from 0 to 1, of the split's records. edges: [bins + 1].
    """

    title: str
    edges: tuple[float, ...]
    shares: Mapping[str, tuple[float, ...]]

    @property
    def most(self) -> float:
        """The share of the highest bar."""
        return max(max(shares) for shares in self.shares.values())


def write_tokens_page(path: Path, counts: Mapping[str, Any], task: str) -> None:
    """Write the page. counts: what token_statistics.json holds."""
    splits = counts["splits"]
    write_page(
        path,
        "tokens.html",
        "tokens.css",
        task=task,
        counts=counts,
        charts=[chart for title, name in _DRAWN.items() if (chart := _chart(title, name, splits))],
        quantile=quantile,
        dropped={name: split for name, split in splits.items() if split["dropped"]},
        cut={name: split for name, split in splits.items() if split["truncated"]},
    )


def _chart(title: str, name: str, splits: Mapping[str, Any]) -> LengthChart | None:
    """None where no record has such a length: of a corpus of ids nobody knows the characters."""
    counted = {split: found[name]["counts"] for split, found in splits.items()}
    bins = [int(number) for counts in counted.values() for number in counts]
    if not bins:
        return None
    numbers = range(min(bins), max(bins) + 1)
    return LengthChart(
        title,
        tuple(edge(number) for number in (*numbers, numbers.stop)),
        {
            split: tuple(counts.get(str(number), 0) / sum(counts.values()) for number in numbers)
            for split, counts in counted.items()
            if counts
        },
    )
