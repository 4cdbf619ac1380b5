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


def test_a_device_or_a_pipe_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "stdout").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for name in ("stdout", "pipe"):
        write_whole(tmp_path / name, b"one")
    assert os.read(reader, 10) == b"one"
    os.close(reader)
    assert (tmp_path / "stdout").readlink() == Path("/dev/null")
    assert Path("/dev/null").is_char_device()
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(os.listdir(tmp_path)) == ["pipe", "stdout"]
