"""Where a stream of text files is cut into train, validation and test."""

from collections.abc import Callable, Iterator, Sequence

# How far a cut may move to reach the end of a line.
SEARCH_BYTES = 4096

ReadAt = Callable[[str, int, int], bytes]
"""(file, offset, length) -> at most `length` bytes of the file from `offset` on."""

Piece = tuple[str, int, int, str]
"""File, first byte, byte after the last, split."""


def cut_stream(
    files: Sequence[tuple[str, int]],
    fractions: tuple[float, float],
    max_bytes: int,
    read_at: ReadAt,
) -> Iterator[Piece]:
    """Cut `files` (name, size), read one after the other, into contiguous pieces.

    `fractions` are validation's and test's shares of the bytes: the stream's last part is test,
    the part before it validation, the rest train. A piece ends where its file ends. Files of 3 and
    7 lines of equal length, with 20% validation and 20% test ("|" ends a file, "/" is a cut):

        a a a | b b b / b b / b b    train a and the first of b; validation b; test b

    Both cuts move forward to the end of their line, or, where none ends within 4,096 bytes, to the
    next character; never out of their file. A piece longer than `max_bytes` is cut further in the
    same way (so that one worker need not hold a whole file). The pieces of a file, in order, are
    exactly its bytes; an empty file is one empty piece.
    """
    total = sum(size for _, size in files)
    validation, test = fractions
    cuts = [round(total * (1 - validation - test)), round(total * (1 - test))]
    stream_offset = 0
    for name, size in files:
        bounds = [0]
        for cut in cuts:
            local = min(max(cut - stream_offset, 0), size)
            bounds.append(max(_line_end(name, local, size, read_at), bounds[-1]))
        bounds.append(size)
        for start, stop, split in zip(
            bounds, bounds[1:], ("train", "validation", "test"), strict=False
        ):
            for first, last in _portions(name, start, stop, max_bytes, read_at):
                yield name, first, last, split
        if size == 0:
            yield name, 0, 0, "train"
        stream_offset += size


def _portions(
    name: str, start: int, stop: int, max_bytes: int, read_at: ReadAt
) -> Iterator[tuple[int, int]]:
    """Portions of start..stop of about `max_bytes`, each ending with a line where possible."""
    while start < stop:
        end = _line_end(name, min(start + max_bytes, stop), stop, read_at)
        yield start, end
        start = end


def _line_end(name: str, offset: int, limit: int, read_at: ReadAt) -> int:
    """The first place from `offset` on at which a line starts, or else a character."""
    if offset in (0, limit):
        return offset
    # One byte more at the front: it may be a newline that ends just here.
    window = read_at(name, offset - 1, min(SEARCH_BYTES + 1, limit - offset + 1))
    newline = window.find(b"\n")
    if newline >= 0:
        return offset + newline
    if len(window) == limit - offset + 1:
        return limit
    # In UTF-8 the bytes 10xxxxxx continue a character; there are at most three in a row.
    continuing = 0
    while continuing < 3 and window[1 + continuing] & 0xC0 == 0x80:
        continuing += 1
    return offset + continuing
