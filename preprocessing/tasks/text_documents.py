"""The documents of a text file, between the separators that its owner has put there."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

# The end of a line as Windows, old Macs and all others write it. What has taken the first half of one gives none back.
_LINE_END = rb"(?>\r\n?|\n)"
_READ_AT_ONCE = 1 << 20


class Document(NamedTuple):
    """A document of a file.

    start: its first byte in the file. data: its bytes, None where they are too many.
    """

    start: int
    data: bytes | None


def read_documents(file: BinaryIO, separator: bytes, most: int) -> Iterator[Document]:
    r"""The documents between separators, without the line ends around them; empty ones are none.

    A newline in the separator, like one in a text, is the end of a line of whatever system.
    Of one with more than `most` bytes no more is held than these and what is read at once (1 MiB).

    >>> import io
    >>> file = io.BytesIO(b"One\n<|endoftext|>\n\n<|endoftext|>\nTwo\n")
    >>> [(start, data) for start, data in read_documents(file, b"<|endoftext|>", 10)]
    [(0, b'One'), (33, b'Two')]
    """
    lines = re.split(rb"\r\n?|\n", separator)
    pattern = re.compile(_LINE_END.join(map(re.escape, lines)))
    held = bytearray(file.read(len(codecs.BOM_UTF8)))
    start = skipped = searched = 0
    if held == codecs.BOM_UTF8:
        start = len(held)
        held.clear()
    while True:
        data = file.read(_READ_AT_ONCE)
        held += data
        while (found := pattern.search(held, searched)) or not data:
            end, behind = found.span() if found else (len(held), len(held))
            if document := _document(start, skipped, bytes(held[:end]), most):
                yield document
            start += skipped + behind
            del held[:behind]
            skipped = searched = 0
            if not data and not held:
                return
        # A separator may have come in part, each of its line ends as two bytes.
        searched = max(0, len(held) - len(separator) - len(lines) + 2)
        if searched > most + _READ_AT_ONCE:
            del held[:searched]
            skipped, searched = skipped + searched, 0


def _document(start: int, skipped: int, data: bytes, most: int) -> Document | None:
    """What stands between two separators, of which the first bytes may have been skipped."""
    if skipped:
        return Document(start, None)
    content = data.strip(b"\r\n")
    if not content:
        return None
    start += data.index(content)
    return Document(start, content if len(content) <= most else None)
