"""The folder of pushed versions: the pointer, pushing whole, and what a MODEL argument names."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from preprocessing.base.errors import InputError
from serving.versions import Versions


def fill(folder: Path) -> None:
    (folder / "saved_model.pb").write_text("a model")


def push(versions: Versions, version: str, fill: Callable[[Path], None]) -> None:
    versions.stage(version, fill)
    versions.publish(version)


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """Versions 2 and 10 are pushed, nothing is pointed at."""
    versions = Versions(tmp_path / "serving")
    for version in ("2", "10"):
        push(versions, version, fill)
    return versions


def test_before_the_first_push_there_is_nothing(tmp_path: Path) -> None:
    versions = Versions(tmp_path / "serving")
    assert versions.names() == []
    assert versions.latest() is None
    with pytest.raises(InputError, match=r"no model has been pushed .* Do `gpt2-tfx run` first"):
        versions.resolve("latest")
    assert not versions.folder.exists()


def test_versions_are_in_order_of_their_numbers(versions: Versions) -> None:
    (versions.folder / ".staged-11-77").mkdir()
    (versions.folder / "notes").mkdir()
    (versions.folder / "12").write_text("a file is no version")
    versions.set_latest("2")
    assert versions.names() == ["2", "10"]


def test_a_staged_version_is_none_until_it_is_published(versions: Versions) -> None:
    versions.stage("11", fill)
    assert (versions.names(), versions.staged()) == (["2", "10"], ["11"])
    with pytest.raises(InputError, match="version 11: not pushed"):
        versions.set_latest("11")
    versions.publish("11")
    assert [file.name for file in versions.path("11").iterdir()] == ["saved_model.pb"]
    assert (versions.names(), versions.staged()) == (["2", "10", "11"], [])


def test_a_version_that_cannot_be_filled_leaves_nothing(versions: Versions) -> None:
    versions.set_latest("2")

    def fail(folder: Path) -> None:
        fill(folder)
        assert not versions.path("11").exists()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        versions.stage("11", fail)
    assert sorted(os.listdir(versions.folder)) == ["10", "2", "latest"]
    assert versions.latest() == "2"


def test_a_discarded_version_leaves_nothing(versions: Versions) -> None:
    versions.stage("11", fill)
    versions.discard("11")
    assert sorted(os.listdir(versions.folder)) == ["10", "2"]


def test_a_published_version_is_never_replaced(versions: Versions) -> None:
    versions.stage("10", lambda folder: (folder / "other").touch())
    with pytest.raises(OSError, match="not empty"):
        versions.publish("10")
    assert [file.name for file in versions.path("10").iterdir()] == ["saved_model.pb"]


def test_who_moves_the_pointer_waits_for_who_holds_it(versions: Versions) -> None:
    order: list[str] = []

    def move() -> None:
        with Versions(versions.folder).held():
            order.append("second")

    with versions.held():
        second = threading.Thread(target=move)
        second.start()
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_the_pointer_moves_forward_and_back(versions: Versions) -> None:
    for version in ("10", "2", "2"):
        versions.set_latest(version)
        assert versions.latest() == version
        assert versions.resolve("latest") == versions.path(version)
    pointer = versions.folder / "latest"
    # A relative link survives a move of the whole workspace.
    assert os.readlink(pointer) == "2"
    assert sorted(os.listdir(versions.folder)) == ["10", "2", "latest"]


def test_a_reader_always_finds_the_pointer_while_it_moves(versions: Versions) -> None:
    versions.set_latest("2")
    done = threading.Event()
    seen: list[str | None] = []

    def read() -> None:
        while not done.is_set() or not seen:
            seen.append(versions.latest())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        versions.set_latest("10")
        versions.set_latest("2")
    done.set()
    reader.join()
    assert set(seen) <= {"2", "10"}


def test_a_pointer_left_by_a_crash_does_not_stop_the_next_move(versions: Versions) -> None:
    (versions.folder / ".latest").symlink_to("2")
    versions.set_latest("10")
    assert versions.latest() == "10"


@pytest.mark.parametrize("version", ["3", "latest", ".", "..", "", "2/", "/tmp", "notes"])
def test_only_pushed_versions_can_be_pointed_at(versions: Versions, version: str) -> None:
    (versions.folder / "notes").mkdir()
    versions.set_latest("2")
    with pytest.raises(InputError, match="not pushed; there are 2, 10"):
        versions.set_latest(version)
    assert versions.latest() == "2"


def test_a_pointer_to_a_version_that_is_gone_names_nothing(versions: Versions) -> None:
    versions.set_latest("10")
    versions.path("10").rename(versions.folder / "elsewhere")
    assert versions.latest() is None
    with pytest.raises(InputError, match="names no pushed version; there are 2"):
        versions.resolve("latest")


def test_a_model_is_a_version_or_a_path(
    versions: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "7").mkdir()
    assert versions.resolve("2") == versions.path("2")
    assert versions.resolve("checkpoint") == Path("checkpoint")
    assert versions.resolve(str(tmp_path / "checkpoint")) == tmp_path / "checkpoint"
    assert versions.resolve("./2") == Path("2")
    assert versions.resolve("7") == Path("7")


@pytest.mark.parametrize("model", ["99", "no/such/folder", "newest"])
def test_an_unknown_model_is_the_callers_mistake(versions: Versions, model: str) -> None:
    with pytest.raises(InputError, match=f"^{model}: neither .* pushed version \\(2, 10\\)"):
        versions.resolve(model)
