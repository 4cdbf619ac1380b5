"""Tokenised shards under the digest of their inputs: what counts, and what is stored."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from preprocessing.base import import_walk
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.import_walk import code_digest
from preprocessing.options import TokenOptions
from preprocessing.records.firsts import Drops, Firsts
from preprocessing.tokens.shard_store import ShardStore, shard_recipe
from preprocessing.tokens.statistics import TokenStatistics

STATISTICS = TokenStatistics(
    records=3,
    tokens=9,
    drops=Drops({"too_long": Firsts([("ä", "ä.story", "17 tokens")], 1)}),
    truncated=Firsts([("b", "b.story", 90, 7)], 1),
)
MODULE = "preprocessing.tokens.job"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows-00000-of-00001.tfrecord"
    path.write_bytes(b"rows" * 1000)
    return path


@pytest.fixture
def store(tmp_path: Path, rows: Path) -> ShardStore:
    """A store that holds `rows` under the digest `d`."""
    store = ShardStore(tmp_path / "shards")
    store.keep("d", rows, STATISTICS)
    return store


@pytest.fixture
def digests(tmp_path: Path) -> Iterator[FileDigests]:
    opened = FileDigests(tmp_path / "memory.sqlite")
    yield opened
    opened.close()


def test_what_was_kept_is_fetched(
    store: ShardStore, digests: FileDigests, rows: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "rows.tfrecord"
    assert store.fetch("d", target, digests) == STATISTICS
    assert target.read_bytes() == rows.read_bytes()


def test_rows_are_copies_so_that_no_name_changes_another(
    store: ShardStore, digests: FileDigests, rows: Path, tmp_path: Path
) -> None:
    store.fetch("d", tmp_path / "out" / "rows.tfrecord", digests)
    places = (rows, tmp_path / "out" / "rows.tfrecord", tmp_path / "shards" / "d" / "rows.tfrecord")
    assert [place.stat().st_nlink for place in places] == [1, 1, 1]


def test_another_digest_is_not_there(
    store: ShardStore, digests: FileDigests, tmp_path: Path
) -> None:
    assert store.fetch("other", tmp_path / "rows.tfrecord", digests) is None
    assert not (tmp_path / "rows.tfrecord").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def miscount(path: Path) -> None:
    path.write_text(path.read_text().replace('"tokens": 9', '"tokens": 8'))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("rows.tfrecord", cut),
        ("rows.tfrecord", flip),
        ("rows.tfrecord", Path.unlink),
        ("entry", cut),
        ("entry", miscount),
        ("entry", Path.unlink),
        ("entry", lambda path: path.write_text("[]")),
        ("entry", lambda path: path.write_bytes(b"\xff")),
    ],
)
def test_what_is_damaged_counts_as_not_there(
    store: ShardStore, digests: FileDigests, tmp_path: Path, name: str, damage
) -> None:
    damage(tmp_path / "shards" / "d" / name)
    out = tmp_path / "out"
    assert store.fetch("d", out / "rows.tfrecord", digests) is None
    assert not out.exists() or list(out.iterdir()) == []


def test_an_entry_under_another_digest_is_damaged(
    store: ShardStore, digests: FileDigests, tmp_path: Path
) -> None:
    (tmp_path / "shards" / "d").rename(tmp_path / "shards" / "e")
    assert store.fetch("e", tmp_path / "rows.tfrecord", digests) is None


def test_every_option_is_in_the_recipe() -> None:
    options = TokenOptions()
    base = shard_recipe(options, "vocabulary", MODULE)
    changed = [
        shard_recipe(dataclasses.replace(options, sequence_length=511), "v", MODULE),
        shard_recipe(dataclasses.replace(options, packing=False), "vocabulary", MODULE),
        shard_recipe(dataclasses.replace(options, over_long="split"), "vocabulary", MODULE),
        shard_recipe(options, "other", MODULE),
        shard_recipe(options, "vocabulary", "preprocessing.tokens.vocabulary"),
    ]
    assert len({base, *changed}) == 6


def test_names_that_mean_the_same_make_one_recipe() -> None:
    by_path = TokenOptions(vocabulary="/folder")
    recipes = {shard_recipe(o, "v", MODULE) for o in (TokenOptions(), by_path)}
    assert len(recipes) == 1


def test_the_code_is_what_the_module_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    package = tmp_path / "preprocessing"
    shutil.copytree(root / "preprocessing", package, ignore=shutil.ignore_patterns("__pycache__"))
    real = code_digest(MODULE)
    monkeypatch.setattr(import_walk, "_ROOT", tmp_path)
    assert code_digest(MODULE) == real
    (package / "tasks" / "coqa.py").write_text("changed = True\n")
    assert code_digest(MODULE) == real
    (package / "tokens" / "packing.py").write_text("changed = True\n")
    assert code_digest(MODULE) != real


def test_entries_can_be_read_by_people(store: ShardStore, tmp_path: Path) -> None:
    entry = json.loads((tmp_path / "shards" / "d" / "entry").read_text("utf-8").split("\n")[1])
    assert entry["statistics"]["drops"]["by_reason"]["too_long"]["first"][0][1] == "ä.story"
