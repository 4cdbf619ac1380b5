"""Where a corpus is cut into portions, whose shards its records are in."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.corpus.portions import Portion, portions_of
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.sources import Sources

PORTION = 4000


def stories(numbers: range, size: int = 400) -> list[SourceFile]:
    """Story files as a release names them, in order of name."""
    names = sorted(hashlib.sha1(f"{number}".encode()).hexdigest() for number in numbers)
    return [SourceFile(f"{name}.story", size, None, 0, size) for name in names]


def groups(portions: list[Portion]) -> set[tuple[SourceFile, ...]]:
    return {tuple(portion.sources) for portion in portions}


@given(st.lists(st.tuples(st.text("abc", min_size=1), st.integers(0, 9000)), max_size=60))
def test_portions_are_the_sources_in_order_and_bounded(files: list[tuple[str, int]]) -> None:
    sources = [SourceFile(name, size, None, 0, size) for name, size in files]
    portions = portions_of(Sources(sources), PORTION)
    assert [source for portion in portions for source in portion.sources] == sources
    assert [portion.number for portion in portions] == [*range(len(portions))]
    for portion in portions:
        assert portion.sources
        assert len(portion.sources) == 1 or portion.size <= 5 * PORTION


def test_portions_of_small_files_have_about_the_size_that_is_asked_for() -> None:
    portions = portions_of(Sources(stories(range(5000))), PORTION)
    assert 0.7 * PORTION < 5000 * 400 / len(portions) < 1.3 * PORTION


def test_growth_leaves_all_portions_but_those_that_it_falls_into() -> None:
    """A story more changes one or two of 500 portions; a corpus that doubles by a folder more changes the last."""
    before = portions_of(Sources(stories(range(5000))), PORTION)
    for number in range(5000, 5020):
        new = stories(range(number, number + 1))
        after = portions_of(Sources(stories(range(5000)) + new), PORTION)
        assert len(groups(before) - groups(after)) <= 1
        in_order = sorted(stories(range(5000)) + new, key=lambda story: story.name)
        changed = groups(portions_of(Sources(in_order), PORTION))
        assert len(groups(before) - changed) <= 2
        assert len(changed - groups(before)) <= 3
    doubled = portions_of(Sources(stories(range(5000)) + stories(range(5000, 10_000))), PORTION)
    assert len(groups(before) - groups(doubled)) <= 1


def test_what_is_large_or_a_piece_of_a_table_is_read_by_itself() -> None:
    small, large = SourceFile("a", 10, None, 0, 10), SourceFile("b", PORTION, None, 0, PORTION)
    piece = SourceFile("c.jsonl", 99, None, 10, 30, rows_before=4, digest="d")
    portions = portions_of(Sources([small, large, small, piece, small, small]), PORTION)
    assert [tuple(portion.sources) for portion in portions] == [
        (small,),
        (large,),
        (small,),
        (piece,),
        (small, small),
    ]
    assert [portion.rows_before for portion in portions] == [0, 0, 0, 4, 0]
