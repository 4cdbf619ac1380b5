"""Where a stream of text files is cut into train, validation and test."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.records.record import SPLITS

# How far a cut may move to reach the start of a line or a word.
SEARCH_BYTES = 4096

# What is held out has at least so many bytes, as many as a character may have, or a quarter of a smaller corpus.
LEAST_HELD_OUT = 4

# Fewer bytes than this are not cut out of a word.
LEAST_WITHOUT_WORDS = 16

_LINE_START = re.compile(rb"(?<=\n)(?=[^\r\n])")
_WORD_START = re.compile(rb"(?<=[ \t\n])(?=[^ \t\r\n])")

ReadAt = Callable[[str, int, int], bytes]
"""(file, offset, length) -> at most `length` bytes of the file from `offset` on."""


def cut_stream(
    files: Sources,
    fractions: tuple[float, float],
    max_bytes: int,
    read_at: ReadAt,
) -> Iterator[SourceFile]:
    """Cut whole files, read one after the other, into contiguous pieces with their splits.

    `fractions` are validation's and test's shares of the bytes (see LEAST_HELD_OUT): the stream's last
    part is test, the part before it validation, the rest train. A piece ends where its file ends.
    Files of 3 and 7 lines of equal length, with 20% validation and 20% test ("|" ends a file, "/" is
    a cut):

        a a a | b b b / b b / b b    train a and the first of b; validation b; test b

    A cut moves to the next start of a line or a file, or to the last one, or else of a word, or else of a
    character: by 4,096 bytes at most, and by half of the split behind it or of all before it, so that
    no split loses all it has. What would be part of a word alone is not held out. Pieces longer than
    `max_bytes` are cut further (see `cut_text`). The pieces of a file, in order, are exactly its bytes;
    an empty file is one empty piece.
    """
    cuts = _cuts(files, _shares(files.size, fractions), read_at)
    file_start = 0
    for file in files:
        bounds = [min(max(cut - file_start, 0), file.size) for cut in cuts]
        for (start, stop), split in zip(pairwise(bounds), SPLITS, strict=True):
            if start < stop:
                part = file._replace(start=start, stop=stop, split=split)
                yield from cut_text(part, max_bytes, read_at)
        if file.size == 0:
            yield file._replace(split=SPLITS[0])
        file_start += file.size


def cut_text(text: SourceFile, max_bytes: int, read_at: ReadAt) -> Iterator[SourceFile]:
    """Pieces of about `max_bytes`, each up to the end of a line, or else of a character; one where it is empty.

    So that one worker need not hold a whole file. A line's end is looked for in 4,096 bytes.
    """
    start, stop = text.start, text.stop
    while start + max_bytes < stop:
        end = start + max_bytes
        # One byte more at the front: it may be a newline that ends just here.
        window = read_at(text.name, end - 1, min(SEARCH_BYTES + 1, stop - end + 1))
        newline = window.find(b"\n")
        end += newline if newline >= 0 else _continuing(window[1:])
        yield text._replace(start=start, stop=end)
        start = end
    if start < stop or start == text.start:
        yield text._replace(start=start, stop=stop)


def _shares(total: int, fractions: tuple[float, float]) -> tuple[int, int]:
    """How many bytes of `total` are validation and test."""
    least = min(LEAST_HELD_OUT, total // 4)
    validation, test = (max(round(total * share), least) if share else 0 for share in fractions)
    return min(validation, total - test), test


def _cuts(files: Sources, shares: tuple[int, int], read_at: ReadAt) -> list[int]:
    """Where the splits begin and end in the stream: 0, two cuts that have moved, its size."""
    cuts = [files.size]
    for share in reversed(shares):
        cut = cuts[0] - share
        start = 0
        for name, size, _ in files.measures():
            if share and start < cut < start + size:
                end = min(start + size, cuts[0])
                cut = start + _moved(name.decode(), size, cut - start, cut, share, read_at)
                cut = min(cut, end)
                break
            start += size
        cuts = [cut, *cuts]
    return [0, *cuts]


def _moved(name: str, size: int, cut: int, before: int, behind: int, read_at: ReadAt) -> int:
    """Where a cut within a file comes to lie.

    before, behind: bytes of the stream before it, and of the split behind it.
    """
    first = max(cut - min(SEARCH_BYTES, before // 2), 0)
    last = min(cut + min(SEARCH_BYTES, behind // 2), size)
    # One byte before a place, and the one there, say what starts there.
    window_start = max(first - 1, 0)
    window = read_at(name, window_start, last - window_start + 4)
    for pattern, ends in ((_LINE_START, {0, size}), (_WORD_START, set[int]())):
        starts = {window_start + found.start() for found in pattern.finditer(window)} | ends
        places = [place for place in starts if first <= place <= last]
        if later := [place for place in places if place >= cut]:
            return min(later)
        if places:
            return max(places)
    if behind < LEAST_WITHOUT_WORDS:
        return cut + behind
    return cut + _continuing(window[cut - window_start :])


def _continuing(data: bytes) -> int:
    """How many bytes at the start continue a character: in UTF-8 10xxxxxx, at most three in a row."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count
