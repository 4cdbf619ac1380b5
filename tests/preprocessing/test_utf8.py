import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.utf8 import decoded, printable

MARK = b"\xef\xbb\xbf"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"))


@given(TEXTS)
def test_a_byte_order_mark_is_no_part_of_a_text(text):
    assert decoded(MARK + text.encode()) == decoded(text.encode()) == text


@given(TEXTS, st.sampled_from([b"", MARK]))
def test_a_byte_that_is_no_utf8_has_the_place_that_it_has_in_the_file(text, mark):
    data = mark + text.encode() + b"\xff"
    with pytest.raises(UnicodeDecodeError) as error:
        decoded(data)
    assert (error.value.start, error.value.object) == (len(data) - 1, data)


@given(st.text())
def test_what_is_printable_can_be_written_and_is_the_same_where_it_could(text):
    printable(text).encode()
    assert printable(text) == text or "?" in printable(text)
