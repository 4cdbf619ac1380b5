"""Where `fix_characters` skips ftfy, ftfy would do nothing but make curly quotes straight.

Searched through wherever the skip is taken: every code point among its neighbours, every pair of
characters that are left alone, and long texts of them.
"""

import itertools
import sys
from collections.abc import Iterable

import ftfy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preprocessing.tasks import cleaning
from preprocessing.tasks.cleaning import fix_characters, straighten_quotes

QUOTES = "\u2018\u2019\u201c\u201d"
ASCII = [chr(code) for code in cleaning._ORDINARY]
RUNS = sorted(run.decode() for run in cleaning._UNTOUCHED)
CHARACTERS = sorted({character for run in RUNS for character in run})

# Alone and in words, at both ends of a line, in a line that holds markup, beside each quote.
FEW_PLACES = ("{}", "a{}b")
PLACES = (
    *FEW_PLACES,
    *("{}\n", "\n{}", "a\n{} b\n", "a {}\nb", "{}{}", "a{}b{}c", " {}.", "<b>{}</b>", "A{}", "{}1"),
    *(f"{quote}{{}}" for quote in QUOTES),
    *(f"{{}}{quote}" for quote in QUOTES),
    *(f"a{{}}{quote}s" for quote in QUOTES),
    *(f"{quote}{{}}{quote}" for quote in QUOTES),
)
PAIRS = ("{}{}", "a{}{}b", "{}a{}", "{} {}", "{}\n{}", "\u2019{}{}", "{}{}\u2019")


def count_skips(texts: Iterable[str]) -> int:
    """In how many of the texts ftfy is skipped; in each of them it must have nothing else to do."""
    count = 0
    for text in texts:
        if cleaning._is_ordinary(text):
            count += 1
            assert straighten_quotes(text) == ftfy.fix_text(text), ascii(text)
    return count


def placed(codes: Iterable[int], places: Iterable[str]) -> Iterable[str]:
    characters = [chr(code) for code in codes]
    return (place.format(char, char) for place in places for char in characters)


def test_the_characters_left_alone_are_those_that_are_named() -> None:
    found = count_skips(placed(range(sys.maxunicode + 1), FEW_PLACES))
    assert found == len(FEW_PLACES) * len({*CHARACTERS, *ASCII})


def test_a_character_of_the_first_planes_is_right_in_every_place() -> None:
    assert count_skips(placed(range(0x3000), PLACES)) > 20 * len(CHARACTERS)


@pytest.mark.long
def test_every_code_point_is_right_in_every_place() -> None:
    found = count_skips(placed(range(sys.maxunicode + 1), PLACES))
    assert found == count_skips(placed(range(0x3000), PLACES))


def test_every_pair_of_the_characters_left_alone_is_right() -> None:
    pairs = list(itertools.product(CHARACTERS, repeat=2))
    found = count_skips(place.format(*pair) for place in PAIRS for pair in pairs)
    assert found > 3 * len(pairs)


@pytest.mark.long
def test_every_pair_with_ascii_and_every_pair_of_runs_is_right() -> None:
    mixed = itertools.product([*RUNS, *ASCII], repeat=2)
    assert count_skips(place.format(*pair) for pair in mixed for place in PAIRS) > 100_000


# Ordinary by construction: runs that are left alone, with ASCII between them.
BETWEEN = st.text(st.sampled_from([char for char in ASCII if char not in "&;"]), min_size=1)
ORDINARY = st.lists(st.tuples(BETWEEN, st.sampled_from(RUNS)), max_size=40).map(
    lambda parts: "".join(itertools.chain.from_iterable(parts))
)
CRITICAL = st.text(st.sampled_from([*CHARACTERS, *"\xc2\xc3\x80\u0153&;#< \n\r\ta1Z"]), max_size=40)


@settings(max_examples=400)
@given(ORDINARY)
def test_long_ordinary_texts_are_right(text: str) -> None:
    assert count_skips([text]) == 1


@settings(max_examples=400)
@given(CRITICAL)
@example("&lt;" + "x" * 1_000_000 + "<")
def test_texts_of_the_critical_alphabet_are_right(text: str) -> None:
    assert fix_characters(text) == ftfy.fix_text(text)


@pytest.mark.long
@settings(max_examples=10_000)
@given(ORDINARY, CRITICAL)
def test_many_more_texts_are_right(ordinary: str, critical: str) -> None:
    assert count_skips([ordinary]) == 1
    assert fix_characters(critical) == ftfy.fix_text(critical)
