"""Whether files changed while something read them."""

import os
import shutil
import time
from pathlib import Path

import pytest

from preprocessing.base import file_watch
from preprocessing.base.file_watch import (
    ContentChangedError,
    check_unchanged,
    check_unchanged_since,
    file_states,
    write_stats,
)
from preprocessing.base.folder_files import files_beneath


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "weights").write_bytes(b"w")
    (tmp_path / "model" / "deep" / "index").write_bytes(b"i")
    return tmp_path / "model"


def test_what_nobody_touched_is_unchanged(root: Path) -> None:
    check_unchanged(root, file_states(root), "it was read")


def test_a_change_that_was_taken_back_shows(root: Path) -> None:
    before = file_states(root)
    (root / "deep" / "index").write_bytes(b"x")
    (root / "deep" / "index").write_bytes(b"i")
    with pytest.raises(ContentChangedError, match="deep/index: changed while it was read"):
        check_unchanged(root, before, "it was read")


def test_a_file_that_vanishes_while_it_is_looked_for_has_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file_states(root)
    found = [*files_beneath(root)]
    monkeypatch.setattr(file_watch, "files_beneath", lambda _: found)
    (root / "weights").unlink()
    with pytest.raises(ContentChangedError, match="weights: changed while it was read"):
        check_unchanged(root, before, "it was read")


def test_a_folder_that_vanishes_has_changed(root: Path) -> None:
    before = file_states(root)
    shutil.rmtree(root)
    with pytest.raises(ContentChangedError, match="model: changed while it was read"):
        check_unchanged(root, before, "it was read")
    with pytest.raises(ContentChangedError, match="model: changed while it was looked at"):
        file_states(root)


def test_a_time_in_the_future_is_not_waited_for(root: Path) -> None:
    ahead = time.time() + 3600
    os.utime(root / "weights", (ahead, ahead))
    check_unchanged(root, file_states(root), "it was read")


def test_a_hidden_file_is_no_content(root: Path) -> None:
    before = file_states(root)
    (root / ".notes").write_bytes(b"n")
    check_unchanged(root, before, "it was read")


def test_another_process_can_tell(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "stats.json"
    write_stats(file, root)
    check_unchanged_since(file, "it was read")
    (root / "weights").unlink()
    with pytest.raises(ContentChangedError, match="weights"):
        check_unchanged_since(file, "it was read")


def test_of_nothing_nothing_changes(tmp_path: Path) -> None:
    write_stats(tmp_path / "stats.json", None)
    check_unchanged_since(tmp_path / "stats.json", "it was read")
