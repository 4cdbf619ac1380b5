"""Patterns for names of files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.readers.file_names import matches, split_pattern


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.txt", {"a.txt"}),
        ("**", {"a.txt", "b/a.txt", "b/c/a.txt", "b/c/d.csv"}),
        ("**/*.txt", {"a.txt", "b/a.txt", "b/c/a.txt"}),
        ("b/**", {"b/a.txt", "b/c/a.txt", "b/c/d.csv"}),
        ("*/*", {"b/a.txt"}),
        ("b/**/[a-c].txt", {"b/a.txt", "b/c/a.txt"}),
        ("?/?.txt", {"b/a.txt"}),
    ],
)
def test_a_star_does_not_go_into_folders_and_two_stars_do(pattern: str, names: set[str]) -> None:
    all_names = ("a.txt", "b/a.txt", "b/c/a.txt", "b/c/d.csv")
    assert {name for name in all_names if matches(name, pattern)} == names


@given(st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_name_matches_itself_and_two_stars(parts: list[str]) -> None:
    name = "/".join(parts)
    assert matches(name, name)
    assert matches(name, "**")
    assert matches(name, "/".join("*" for _ in parts))
    assert not matches(name, "/".join("*" for _ in [*parts, ""]))


def test_a_path_is_split_before_its_pattern(tmp_path: Path) -> None:
    assert split_pattern(tmp_path / "books" / "*.txt") == (tmp_path / "books", "*.txt")
    assert split_pattern(tmp_path / "**" / "[ab]" / "c") == (tmp_path, "**/[ab]/c")
    assert split_pattern(tmp_path / "plain") == (tmp_path / "plain", None)
    (tmp_path / "odd[1].txt").touch()
    assert split_pattern(tmp_path / "odd[1].txt") == (tmp_path / "odd[1].txt", None)
