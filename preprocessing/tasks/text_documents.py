"""The documents of a text file, between the separators that its owner has put there."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_READ_AT_ONCE = 1 << 20


class Document(NamedTuple):
    """A document of a file.

    start: its first byte in the file. data: its bytes, None where they are too many.
    """

    start: int
    data: bytes | None


def read_documents(file: BinaryIO, separator: bytes, most: int) -> Iterator[Document]:
    r"""The documents between separators, without the line ends around them; empty ones are none.

    Of one with more than `most` bytes no more is held than these and what is read at once (1 MiB).

    >>> import io
    >>> file = io.BytesIO(b"One\n<|endoftext|>\n\n<|endoftext|>\nTwo\n")
    >>> [(start, data) for start, data in read_documents(file, b"<|endoftext|>", 10)]
    [(0, b'One'), (33, b'Two')]
    """
    start = skipped = 0
    held = bytearray()
    searched = 0
    while True:
        data = file.read(_READ_AT_ONCE)
        held += data
        while (end := held.find(separator, searched)) >= 0 or not data:
            end = end if end >= 0 else len(held)
            if document := _document(start, skipped, bytes(held[:end]), most):
                yield document
            start += skipped + end + len(separator)
            del held[: end + len(separator)]
            skipped = searched = 0
            if not data and not held:
                return
        # A separator may have come in part.
        searched = max(0, len(held) - len(separator) + 1)
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
