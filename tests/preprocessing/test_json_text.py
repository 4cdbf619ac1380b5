import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.json_text import parse_json

VALUES = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(VALUES)
def test_what_was_written_is_read(value):
    assert parse_json(json.dumps(value)) == parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, b"\xff", "9" * 5000])
def test_anything_else_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"Expecting|deep|decode|digits"):
        parse_json(text)
