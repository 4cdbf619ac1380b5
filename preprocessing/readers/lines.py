"""The lines of a stream, each in bounded memory."""

from collections.abc import Iterator
from typing import BinaryIO

_SKIPPED_AT_ONCE = 1 << 20


def bounded_lines(file: BinaryIO, max_bytes: int) -> Iterator[bytes | None]:
    r"""Each line of `file` with its line end, or None for one of more than `max_bytes` bytes.

    The line end does not count. A line that is too long is read past in portions, so that no more
    than about `max_bytes` (or 1 MiB) are ever held. With `max_bytes` 3:

    >>> import io
    >>> list(bounded_lines(io.BytesIO(b"abc\r\nabcd\n\nab"), 3))
    [b'abc\r\n', None, b'\n', b'ab']
    """
    while line := file.readline(max_bytes + 2):
        fits = len(line.rstrip(b"\r\n")) <= max_bytes
        last = line
        while last and not last.endswith(b"\n"):
            last = file.readline(_SKIPPED_AT_ONCE)
            fits = fits and not last
        yield line if fits else None
