"""A row's text while it grows, on rows that are made up: pieces, and the completion in the end."""

from collections.abc import Sequence

from serving.growing_text import GrowingText
from serving.model import Completion
from serving.running_rows import Row


def grown(
    texts: Sequence[bytes], finished: bool = False, *stop: str
) -> tuple[list[str], GrowingText]:
    """The pieces of a row that had these bytes after each token, and goes on but for the last; a byte is a token."""
    text = GrowingText(stop, lambda cut: [len(each.encode()) for each in cut])
    rows = [Row(each, True, False) for each in texts[:-1]] + [Row(texts[-1], False, finished)]
    pieces = []
    for row in rows:
        assert text.completion is None
        pieces.append(text.grow(row))
    return pieces, text


def test_without_an_end_the_reason_is_length() -> None:
    pieces, text = grown([b"a", b"a\xe2\x82", b"a\xe2\x82\xac"])
    assert pieces == ["a", "", "€"]
    assert text.completion == Completion("a€", 3, "length")


def test_the_end_of_text_is_no_token_of_the_text() -> None:
    pieces, text = grown([b"a", b"ab", b"ab"], True)
    assert pieces == ["a", "b", ""]
    assert text.completion == Completion("ab", 2, "stop")


def test_what_is_no_character_in_the_end_is_shown_as_such() -> None:
    pieces, text = grown([b"a", b"a\xe2"])
    assert pieces == ["a", "\ufffd"]
    assert text.completion == Completion("a\ufffd", 2, "length")


def test_a_text_that_was_cut_has_the_tokens_that_are_left() -> None:
    pieces, text = grown([b"one", b"one t", b"one two"], True, " tw")
    assert pieces == ["one", "", ""]
    assert text.completion == Completion("one", 3, "stop")


def test_a_text_that_was_cut_is_whole_though_its_row_goes_on() -> None:
    text = GrowingText(["\ufffd"], lambda cut: [len(each) for each in cut])
    assert text.grow(Row(b"ab\xffcd", True, False)) == "ab"
    assert text.completion == Completion("ab", 2, "stop")
