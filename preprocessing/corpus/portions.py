"""Portions: what is read at once, and becomes shards of its own.

    a.story b.story c.story | d.story e.story | rows.jsonl, piece 1 | rows.jsonl, piece 2 | coqa-train-v1.0.json

A portion is some small files that follow one another, or one large file, or a piece of a table. Where it ends, the
names and sizes of its files decide (of a table its lines, see `readers.table_pieces`): a file or row that is added,
removed or edited changes its portion, seldom the next one, and none of the others, however large the corpus grows.
"""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from preprocessing.readers.sources import Sources

# A portion of small files has half a MiB at least, 2 MiB on average, 8 MiB and a file at most. A file counts as 512
# bytes at least, a 4096th of a portion, since it takes as long to open as to read so much.
PORTION_BYTES = 2 * 1024 * 1024
_LEAST, _LONGEST = 1 / 4, 4
_FILE = 4096


class Portion(NamedTuple):
    """Sources that are read together; number: its place among the portions of the corpus."""

    number: int
    sources: Sources

    @property
    def size(self) -> int:
        """Bytes to read."""
        return self.sources.size

    @property
    def rows_before(self) -> int:
        """Of a piece of a table, how many rows are before it, else 0."""
        return self.sources[0].rows_before


def portions_of(sources: Sources, portion_bytes: int = 0) -> list[Portion]:
    """The sources, in their order, as portions of about `portion_bytes` (PORTION_BYTES)."""
    ends = sorted({0, *_ends(sources, portion_bytes or PORTION_BYTES), len(sources)})
    return [
        Portion(number, sources[start:stop]) for number, (start, stop) in enumerate(pairwise(ends))
    ]


def _ends(sources: Sources, portion_bytes: int) -> Iterator[int]:
    """How many sources there are up to the end of each portion."""
    least, longest = int(portion_bytes * _LEAST), portion_bytes * _LONGEST
    size = 0
    for count, (name, own, is_piece) in enumerate(sources.measures()):
        if is_piece or own >= portion_bytes:
            yield from (count, count + 1)
            size = 0
            continue
        own = max(own, portion_bytes // _FILE)
        size += own
        if size >= longest or (size >= least and _falls(name, own, portion_bytes - least)):
            yield count + 1
            size = 0


def _falls(name: bytes, size: int, mean: int) -> bool:
    """Whether a file ends its portion: at random by its name, once in `mean` bytes."""
    digest = hashlib.blake2b(name, digest_size=4).digest()
    return int.from_bytes(digest, "big") * mean < size << 32
