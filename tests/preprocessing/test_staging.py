"""Files that are whole or not there."""

import os
from pathlib import Path

import pytest

from preprocessing.base.staging import write_whole


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        write_whole(tmp_path / "folder" / "file", content)
        assert (tmp_path / "folder" / "file").read_bytes() == content
    assert os.listdir(tmp_path / "folder") == ["file"]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        write_whole(tmp_path / "taken", b"one")
    assert os.listdir(tmp_path) == ["taken"]
