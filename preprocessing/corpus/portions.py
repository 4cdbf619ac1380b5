"""Portions: what is read at once, and becomes shards of its own.

    a.story b.story c.story | d.story e.story | rows.jsonl, piece 1 | rows.jsonl, piece 2 | coqa-train-v1.0.json

A portion is some small files that follow one another, or one large file, or a piece of a table. Where it ends, the
names and sizes of its files decide (of a table its lines, see `readers.table_pieces`): a file or row that is added,
removed or edited changes its portion, seldom the next one, and none of the others, however large the corpus grows.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from preprocessing.readers.source_file import SourceFile

# A portion of small files has half a MiB at least, 2 MiB on average, 8 MiB and a file at most.
PORTION_BYTES = 2 * 1024 * 1024
_LEAST, _LONGEST = 1 / 4, 4


class Portion(NamedTuple):
    """Sources that are read together; number: its place among the portions of the corpus."""

    number: int
    sources: tuple[SourceFile, ...]

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(source.stop - source.start for source in self.sources)

    @property
    def rows_before(self) -> int:
        """Of a piece of a table, how many rows are before it, else 0."""
        return self.sources[0].rows_before


def portions_of(sources: Iterable[SourceFile], portion_bytes: int = 0) -> list[Portion]:
    """The sources, in their order, as portions of about `portion_bytes` (PORTION_BYTES)."""
    groups = _groups(sources, portion_bytes or PORTION_BYTES)
    return [Portion(number, tuple(group)) for number, group in enumerate(groups)]


def _groups(sources: Iterable[SourceFile], portion_bytes: int) -> Iterator[list[SourceFile]]:
    least, longest = int(portion_bytes * _LEAST), portion_bytes * _LONGEST
    group: list[SourceFile] = []
    size = 0
    for source in sources:
        own = source.stop - source.start
        if source.digest or own >= portion_bytes:
            if group:
                yield group
            yield [source]
            group, size = [], 0
            continue
        group.append(source)
        size += own
        if size >= longest or (size >= least and _ends(source.name, own, portion_bytes - least)):
            yield group
            group, size = [], 0
    if group:
        yield group


def _ends(name: str, size: int, mean: int) -> bool:
    """Whether a file ends its portion: at random by its name, once in `mean` bytes."""
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") * mean < size << 32
