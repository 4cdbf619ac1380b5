"""Pieces of a text that is being written, against the whole text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.text_stream import TextStream

# Few characters, so that stop strings are met, overlap, and begin in one another; of one byte to four.
_CHARACTERS = "abc\né€😀\ufffd"
_STOP = st.lists(st.text(_CHARACTERS, min_size=1, max_size=4), max_size=4)
# Also bytes that are no UTF-8: halves of characters, and what never is a part of one.
_BYTES = st.lists(
    st.one_of(
        st.text(_CHARACTERS).map(str.encode),
        st.sampled_from([b"\xc3", b"\xe2\x82", b"\xf0\x9f", b"\x80", b"\xff"]),
    ),
    max_size=12,
).map(b"".join)


def whole(data: bytes, stop: list[str]) -> str:
    """The text as it is written at once."""
    text = data.decode("utf-8", "replace")
    return min((text.partition(string)[0] for string in stop), key=len, default=text)


def pieces(stream: TextStream, data: bytes, cuts: list[int]) -> list[str]:
    """What a stream shows of bytes that come in parts."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [*(stream.feed(data[start:end]) for start, end in pairwise(places)), stream.end()]


@given(data=_BYTES, stop=_STOP, cuts=st.lists(st.integers(0, 100), max_size=12))
def test_joined_pieces_are_the_whole_text(data: bytes, stop: list[str], cuts: list[int]) -> None:
    stream = TextStream(stop)
    assert "".join(pieces(stream, data, cuts)) == whole(data, stop)
    assert stream.stopped == (whole(data, stop) != data.decode("utf-8", "replace"))


@given(data=_BYTES, stop=_STOP)
def test_what_is_held_back_is_less_than_a_character_and_a_stop_string(
    data: bytes, stop: list[str]
) -> None:
    stream, shown = TextStream(stop), ""
    longest = max(map(len, stop), default=1)
    for end in range(1, len(data) + 1):
        shown += stream.feed(data[end - 1 : end])
        text = data[:end].decode("utf-8", "replace")
        assert stream.stopped or len(text) - len(shown) <= longest


def test_a_character_is_shown_once_it_is_whole() -> None:
    stream = TextStream()
    assert [stream.feed(bytes([byte])) for byte in "a€b".encode()] == ["a", "", "", "€", "b"]
    assert stream.end() == ""


def test_what_may_begin_a_stop_string_waits_until_it_is_decided() -> None:
    stream = TextStream(["\n\n", "END"])
    assert [stream.feed(part) for part in (b"one\n", b"two E", b"N", b"d ", b"E")] == [
        "one",
        "\ntwo ",
        "",
        "ENd ",
        "",
    ]
    assert stream.end() == "E"
    assert not stream.stopped


def test_nothing_is_shown_behind_a_stop_string() -> None:
    stream = TextStream(["."])
    assert stream.feed(b"one. two") == "one"
    assert stream.stopped
    assert [stream.feed(b"three"), stream.end()] == ["", ""]


@pytest.mark.parametrize("last", [b"d", b"x"])
def test_a_string_that_began_before_one_that_is_whole_decides(last: bytes) -> None:
    stream = TextStream(["abcd", "bc"])
    assert stream.feed(b"abc") == ""
    assert not stream.stopped
    assert stream.feed(last) == ("" if last == b"d" else "a")
    assert stream.stopped
