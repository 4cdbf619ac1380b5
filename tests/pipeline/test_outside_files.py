"""What content from outside consisted of, and what changed in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.outside_files import OutsideFiles, described_change
from preprocessing.base.digests import combine

TREE = {"a.txt": "1" * 64, "b.txt": "2" * 64, "c/d.txt": "3" * 64}
TREES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("123"))


class TestKeptFiles:
    def test_are_found_by_their_digest(self, tmp_path: Path) -> None:
        files = OutsideFiles(tmp_path / "outside")
        files.keep(TREE)
        assert files.read(combine(TREE)) == TREE
        assert files.read(combine({})) is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"a.txt": 1}', '{"a.txt": "9"}'])
    def test_are_not_believed_where_they_are_not_of_their_digest(
        self, tmp_path: Path, text: str
    ) -> None:
        files = OutsideFiles(tmp_path)
        files.keep(TREE)
        (tmp_path / f"{combine(TREE)}.json").write_text(text)
        assert files.read(combine(TREE)) is None


class TestADescribedChange:
    @pytest.mark.parametrize(
        ("now", "text"),
        [
            (TREE, ""),
            ({**TREE, "e.txt": "4"}, "1 added (e.txt)"),
            ({**TREE, "a.txt": "4"}, "1 changed (a.txt)"),
            ({"a.txt": TREE["a.txt"]}, "2 removed (b.txt, c/d.txt)"),
            ({**TREE, "a.txt": "4", "z": "5"}, "1 added (z); 1 changed (a.txt)"),
            (
                {"a.txt": "1" * 64, "e.txt": "2" * 64, "c/d.txt": "3" * 64},
                "1 renamed (b.txt -> e.txt)",
            ),
            ({}, "3 removed (a.txt, b.txt, c/d.txt)"),
            (
                {**TREE, **{f"n{number}": "4" for number in range(9)}},
                "9 added (n0, n1, n2, and 6 more)",
            ),
        ],
    )
    def test_counts_each_kind_and_names_the_first(self, now: dict[str, str], text: str) -> None:
        assert described_change(TREE, now) == text

    @given(before=TREES, now=TREES)
    def test_accounts_for_every_file_once(
        self, before: dict[str, str], now: dict[str, str]
    ) -> None:
        counts = dict.fromkeys(("added", "changed", "renamed", "removed"), 0)
        for part in filter(None, described_change(before, now).split("; ")):
            count, kind, *_ = part.split()
            counts[kind] = int(count)
        assert (not any(counts.values())) == (before == now)
        assert counts["removed"] + counts["renamed"] == len(before.keys() - now.keys())
        assert counts["added"] + counts["renamed"] == len(now.keys() - before.keys())
