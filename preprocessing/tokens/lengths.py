"""How long records are, counted by steps of a quarter of an octave: a corpus of any size comes to a few numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

BINS_AN_OCTAVE = 4


@dataclass
class Lengths:
    """Lengths of records, each at least 1.

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
