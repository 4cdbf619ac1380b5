"""Files of variables: equal when read, damage noticed, whole or not there, no second copy in memory."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.base.errors import InputError
from trainer.stored_tensors import UnreadableFileError
from trainer.variable_files import (
    read_variables,
    remove_leftovers,
    write_variables,
    written,
)

SUFFIXES = (".index", ".data-00000-of-00001")


def variables(seed: int) -> dict[str, tf.Variable]:
    random = np.random.default_rng(seed)
    return {
        "a": tf.Variable(random.normal(size=[2, 3]), dtype=tf.float32),
        "b/c": tf.Variable(random.integers(0, 99, [4]), dtype=tf.int64),
        "half": tf.Variable(random.normal(size=[5]), dtype=tf.bfloat16),
        "number": tf.Variable(random.normal(), dtype=tf.float32),
    }


def values(of: dict[str, tf.Variable]) -> list[list[float]]:
    return [np.ravel(variable.numpy()).tolist() for variable in of.values()]


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write_variables(tmp_path / "ckpt-3", variables(1), "tëxt")
    found = variables(2)
    assert read_variables(tmp_path / "ckpt-3", found) == "tëxt"
    assert values(found) == values(variables(1))
    assert written(tmp_path, "ckpt") == {3: tmp_path / "ckpt-3"}
    assert {path.name for path in tmp_path.iterdir()} == {f"ckpt-3{s}" for s in SUFFIXES}


def test_what_is_written_is_listed_by_rising_number(tmp_path: Path) -> None:
    for name in ("ckpt-10", "ckpt-9", "ckpt-100", "ckpt-mine", "best-1"):
        (tmp_path / f"{name}.index").touch()
    assert list(written(tmp_path, "ckpt")) == [9, 10, 100]


@pytest.mark.parametrize("name", ["exp [1]", "what?", "a*b"])
def test_a_folder_whose_name_looks_like_a_pattern_is_taken_as_it_is(
    tmp_path: Path, name: str
) -> None:
    for seed, folder in enumerate((name, "exp 1", "whats", "aab")):
        (tmp_path / folder).mkdir()
        write_variables(tmp_path / folder / "ckpt-3", variables(seed), folder)
    found = variables(9)
    assert read_variables(tmp_path / name / "ckpt-3", found) == name
    assert values(found) == values(variables(0))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_flipped_byte_goes_unnoticed(tmp_path: Path, suffix: str) -> None:
    write_variables(tmp_path / "ckpt-1", variables(1), "text")
    shutil.copytree(tmp_path, tmp_path / "copy")
    content, damaged = Path(f"{tmp_path}/ckpt-1{suffix}").read_bytes(), 0
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        Path(f"{tmp_path}/copy/ckpt-1{suffix}").write_bytes(flipped)
        found = variables(2)
        try:
            assert read_variables(tmp_path / "copy" / "ckpt-1", found) == "text"
        except UnreadableFileError:
            damaged += 1
        else:  # padding of the index
            assert values(found) == values(variables(1))
    assert damaged > 0.7 * len(content)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_truncated_file_goes_unnoticed(tmp_path: Path, suffix: str) -> None:
    write_variables(tmp_path / "ckpt-1", variables(1), "text")
    file = Path(f"{tmp_path}/ckpt-1{suffix}")
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(UnreadableFileError, match=r"ckpt-1\..*: truncated or damaged"):
            read_variables(tmp_path / "ckpt-1", variables(2))


def test_files_of_other_variables_are_refused_before_anything_changes(tmp_path: Path) -> None:
    write_variables(tmp_path / "ckpt-1", variables(1))
    others = variables(2) | {"a": tf.Variable(tf.zeros([3, 3])), "d": tf.Variable(0.0)}
    del others["number"]
    others["half"] = tf.Variable(tf.zeros([5]))
    before = values(others)
    with pytest.raises(InputError) as raised:
        read_variables(tmp_path / "ckpt-1", others)
    for part in (
        "d: expected shape [], found none",
        "number: not known here",
        "a: expected shape [3, 3], found [2, 3]",
        " and 1 more; go back to its configuration",
    ):
        assert part in str(raised.value)
    assert values(others) == before


class DeadError(Exception):
    """Stands for a process that dies between two operations on files."""


@pytest.mark.parametrize("earlier", [None, "ckpt-1", "ckpt-2"])
@pytest.mark.parametrize("death", range(4))
def test_a_writer_that_dies_leaves_whole_files_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, death: int, earlier: str | None
) -> None:
    if earlier:
        write_variables(tmp_path / earlier, variables(1))
    operations = 0

    def dying(real: object) -> object:
        def operation(*args: object, **kwargs: object) -> None:
            nonlocal operations
            if operations == death:
                raise DeadError
            operations += 1
            real(*args, **kwargs)  # type: ignore[operator]

        return operation

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying(os.replace))
        patch.setattr(Path, "unlink", dying(Path.unlink))
        if death < 3:
            with pytest.raises(DeadError):
                write_variables(tmp_path / "ckpt-2", variables(2))
        else:
            write_variables(tmp_path / "ckpt-2", variables(2))
    expected = {1: 1, 2: 2} if earlier == "ckpt-1" else {2: 2}
    for number, prefix in written(tmp_path, "ckpt").items():
        found = variables(3)
        read_variables(prefix, found)
        seed = 1 if earlier == "ckpt-2" and death == 0 else expected[number]
        assert values(found) == values(variables(seed))
    assert (2 in written(tmp_path, "ckpt")) == (death == 3 or (earlier == "ckpt-2" and death == 0))
    if earlier == "ckpt-1":
        assert 1 in written(tmp_path, "ckpt")
    remove_leftovers(tmp_path)
    whole = {f"{p.name}{s}" for p in written(tmp_path, "ckpt").values() for s in SUFFIXES}
    assert {path.name for path in tmp_path.iterdir()} == whole


def test_each_file_and_each_change_of_a_folder_is_on_the_disk_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_variables(tmp_path / "ckpt-2", variables(1))
    done: list[str] = []

    def fsync(descriptor: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")

    def replace(source: str, target: str) -> None:
        done.append(f"replace {Path(target).name}")
        Path(source).rename(target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    descriptors = os.listdir("/proc/self/fd")
    write_variables(tmp_path / "ckpt-2", variables(2))
    assert os.listdir("/proc/self/fd") == descriptors
    data, index = "ckpt-2.data-00000-of-00001", "ckpt-2.index"
    assert done == [
        f"sync .staged-{data}",
        f"sync .staged-{index}",
        f"sync {tmp_path.name}",  # without the old index
        f"replace {data}",
        f"sync {tmp_path.name}",
        f"replace {index}",
        f"sync {tmp_path.name}",
    ]


def _resident(field: str) -> float:
    """Resident memory of this process in MiB: `VmRSS` now, `VmHWM` at most since it was reset."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def test_neither_writing_nor_reading_copies_all_variables(tmp_path: Path) -> None:
    of_ten = {f"v{i}": tf.Variable(tf.random.normal([2**20])) for i in range(40)}  # 4 MiB each
    write_variables(tmp_path / "warm-1", {"v": tf.Variable(0.0)})
    for action in (write_variables, read_variables):
        Path("/proc/self/clear_refs").write_text("5")
        before = _resident("VmRSS")
        action(tmp_path / "ckpt-1", of_ten)
        assert _resident("VmHWM") - before < 60
