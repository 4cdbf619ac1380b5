"""What changed, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.described_changes import (
    described_definitions,
    described_files,
    described_packages,
    first_of,
)

TREE = {"a.txt": "1" * 64, "b.txt": "2" * 64, "c/d.txt": "3" * 64}
TREES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("123"))
LOCK = b"numpy==2.4.6 \\\n    --hash=sha256:12 \\\n    --hash=sha256:34\npyarrow==18.1.0 \\\n    --hash=sha256:56\n"


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (LOCK, ""),
        (LOCK.replace(b"18.1.0", b"19.0"), "pyarrow 18.1.0 -> 19.0"),
        (LOCK + b"six==1.17.0\n", "six none -> 1.17.0"),
        (b"six==1.17.0\n", "numpy 2.4.6 -> none, pyarrow 18.1.0 -> none, six none -> 1.17.0"),
        (
            LOCK + b"".join(b"p%d==1\n" % number for number in range(8)),
            "p0 none -> 1, p1 none -> 1, p2 none -> 1, p3 none -> 1, p4 none -> 1, and 3 more",
        ),
    ],
)
def test_the_packages_that_differ_are_named_with_both_versions(now: bytes, text: str) -> None:
    assert described_packages(LOCK, now) == text


class TestChangedFiles:
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
        assert described_files(TREE, now) == text

    @given(before=TREES, now=TREES)
    def test_accounts_for_every_file_once(
        self, before: dict[str, str], now: dict[str, str]
    ) -> None:
        counts = dict.fromkeys(("added", "changed", "renamed", "removed"), 0)
        for part in filter(None, described_files(before, now).split("; ")):
            count, kind, *_ = part.split()
            counts[kind] = int(count)
        assert (not any(counts.values())) == (before == now)
        assert counts["removed"] + counts["renamed"] == len(before.keys() - now.keys())
        assert counts["added"] + counts["renamed"] == len(now.keys() - before.keys())


def test_definitions_that_differ_are_named_and_what_is_none_too() -> None:
    before = {"": "1", "run_fn": "2", "_save": "3", "same": "4"}
    now = {"": "5", "run_fn": "6", "_load": "3", "same": "4"}
    assert (
        described_definitions(before, now)
        == "the module's own statements, _load, _save, and 1 more"
    )
    assert described_definitions(now, now) == ""


def test_the_first_names_stand_alone_where_they_are_all() -> None:
    assert first_of(["a", "b", "c"]) == "a, b, c"
    assert first_of(["a", "b", "c", "d"], 2, "; ") == "a; b; and 2 more"
    assert first_of([]) == ""
