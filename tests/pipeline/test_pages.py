"""The pages for people: short where they begin, and with what they refer to."""

import json
import re
from argparse import _SubParsersAction
from pathlib import Path

import pytest

from benchmarks.table import insert_tables
from pipeline.arguments import build_parser


def test_the_readme_is_short(root: Path) -> None:
    assert len((root / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_readme_names_every_command(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    table = text.split("| command | what it does |")[1].split("\n\n")[0]
    (commands,) = (a for a in build_parser()._actions if isinstance(a, _SubParsersAction))
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == set(commands.choices)


@pytest.mark.parametrize("page", ["README.md", "docs/kubeflow.md", "docs/benchmarks.md"])
def test_pages_name_pages_that_are_there(root: Path, page: str) -> None:
    text = (root / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:docs/)?[\w-]+\.md)`", text)
    missing = [n for n in named if not (root / n).is_file() and not (root / "docs" / n).is_file()]
    assert named
    assert missing == []


def test_the_tables_are_those_of_the_results(root: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    pages = ("README.md", "docs/benchmarks.md")
    for page in pages:
        (tmp_path / page).write_text((root / page).read_text(encoding="utf-8"), encoding="utf-8")
    insert_tables(tmp_path, json.loads((root / "benchmarks" / "results.json").read_text()))
    for page in pages:
        assert (tmp_path / page).read_text() == (root / page).read_text(), "run `make bench`"
