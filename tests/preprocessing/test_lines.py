import io
import re
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.readers.content import bounded_lines

MIB = 1 << 20


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\r"])).map(b"".join))
def test_every_line_comes_as_it_is_or_as_none(data):
    lines = list(bounded_lines(io.BytesIO(data), 3))
    assert lines == [
        line if len(line.rstrip(b"\r\n")) <= 3 and len(line) <= 5 else None
        for line in re.findall(rb"[^\n]*\n|[^\n]+", data)
    ]


class _Endless(io.RawIOBase):
    """Bytes without a line end, and at last a short line, without holding them."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self._left <= 0:
            return 0
        count = min(len(buffer), self._left)
        self._left -= count
        buffer[:count] = b"x" * count
        if self._left == 0:
            buffer[count - 3 : count] = b"\nab"
        return count


def test_a_line_of_500_megabytes_is_passed_over_in_little_memory():
    file = io.BufferedReader(_Endless(500 * MIB), MIB)
    tracemalloc.start()
    lines = list(bounded_lines(file, MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == [None, b"ab"]
    assert peak < 8 * MIB
