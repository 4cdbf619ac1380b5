import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from preprocessing.base import file_digests
from preprocessing.base.digests import combine, sha256_bytes
from preprocessing.base.errors import InputError
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.folder_files import files_beneath


@pytest.fixture
def digests(tmp_path: Path) -> Iterator[FileDigests]:
    opened = FileDigests(tmp_path / "memory.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose bytes are read while a test runs."""
    seen: list[Path] = []
    genuine = file_digests.sha256_file

    def spy(path: Path) -> str:
        seen.append(path)
        return genuine(path)

    monkeypatch.setattr(file_digests, "sha256_file", spy)
    return seen


@pytest.fixture
def no_racy_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as settled, so that a test need not wait."""
    monkeypatch.setattr(file_digests, "is_settled", lambda stat, now_ns: True)


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("no_racy_window")
class TestTheMemory:
    def test_an_unchanged_file_is_read_once(
        self, tmp_path: Path, digests: FileDigests, reads: list[Path]
    ) -> None:
        path = write(tmp_path / "a", b"x")
        assert digests.file(path) == digests.file(path) == sha256_bytes(b"x")
        assert reads == [path]

    def test_much_that_was_learned_is_not_held_until_the_end(
        self,
        tmp_path: Path,
        digests: FileDigests,
        reads: list[Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(file_digests, "_MANY", 3)
        paths = [write(tmp_path / f"{number}", b"x") for number in range(5)]
        for path in paths:
            digests.file(path)
        other = FileDigests(tmp_path / "memory.sqlite", writes=False)
        for path in paths:
            other.file(path)
        other.close()
        assert reads == [*paths, *paths[3:]]

    def test_it_outlives_the_process(self, tmp_path: Path, reads: list[Path]) -> None:
        path = write(tmp_path / "a", b"x")
        for _ in range(2):
            digests = FileDigests(tmp_path / "memory.sqlite")
            assert digests.file(path) == sha256_bytes(b"x")
            digests.close()
        assert reads == [path]

    def test_it_is_not_asked_where_it_is_not_trusted(
        self, tmp_path: Path, digests: FileDigests, reads: list[Path]
    ) -> None:
        path = write(tmp_path / "a", b"x")
        digests.file(path)
        digests.file(path, trust_memory=False)
        assert reads == [path, path]

    def test_a_touch_reads_again_and_changes_nothing(
        self, tmp_path: Path, digests: FileDigests, reads: list[Path]
    ) -> None:
        path = write(tmp_path / "a", b"x")
        before = digests.file(path)
        os.utime(path, (1, 1))
        assert digests.file(path) == before
        assert reads == [path, path]

    def test_changed_bytes_are_noticed_by_ctime_though_size_and_mtime_are_the_same(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        path = write(tmp_path / "a", b"x")
        digests.file(path)
        before = path.stat()
        time.sleep(0.02)
        path.write_bytes(b"y")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = path.stat()
        assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        assert digests.file(path) == sha256_bytes(b"y")

    @pytest.mark.parametrize("part", ["size", "mtime_ns", "ctime_ns", "inode"])
    def test_every_part_of_the_stat_counts(
        self, tmp_path: Path, reads: list[Path], part: str
    ) -> None:
        path, memory = write(tmp_path / "a", b"x"), tmp_path / "memory.sqlite"
        first = FileDigests(memory)
        first.file(path)
        first.close()
        with sqlite3.connect(memory) as database:
            database.execute(f"UPDATE files SET {part} = {part} + 1")
        second = FileDigests(memory)
        second.file(path)
        second.close()
        assert reads == [path, path]

    def test_a_file_put_in_the_place_of_another_is_read(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        path, other = write(tmp_path / "a", b"x"), write(tmp_path / "b", b"y")
        digests.file(path)
        stat = path.stat()
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        other.replace(path)
        assert digests.file(path) == sha256_bytes(b"y")

    def test_a_file_that_changes_while_it_is_read_is_not_remembered(
        self, tmp_path: Path, digests: FileDigests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(tmp_path / "a", b"old")

        def changes_after_reading(read: Path) -> str:
            digest = sha256_bytes(read.read_bytes())
            read.write_bytes(b"newer")
            return digest

        with monkeypatch.context() as patched:
            patched.setattr(file_digests, "sha256_file", changes_after_reading)
            digests.file(path)
        assert digests.file(path) == sha256_bytes(b"newer")

    def test_another_process_can_write_while_this_one_has_learned_something(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        digests.file(write(tmp_path / "a", b"x"))
        other = sqlite3.connect(tmp_path / "memory.sqlite", timeout=0)
        other.execute("INSERT INTO files VALUES ('b', 0, 0, 0, 0, 'd')")
        other.commit()
        other.close()


class TestWhatACallerHasWritten:
    def test_a_settled_file_is_not_read_later(self, tmp_path: Path, reads: list[Path]) -> None:
        path = write(tmp_path / "a", b"x")
        digests = FileDigests(tmp_path / "memory.sqlite")
        digests.note(path, sha256_bytes(b"x"))
        time.sleep(0.25)
        digests.close()
        later = FileDigests(tmp_path / "memory.sqlite")
        assert later.file(path) == sha256_bytes(b"x")
        path.write_bytes(b"y")
        assert later.file(path) == sha256_bytes(b"y")
        later.close()
        assert reads == [path]

    def test_one_that_settles_after_much_was_learned_is_not_read_later(
        self, tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_digests, "_MANY", 1)
        path, other = write(tmp_path / "a", b"x"), write(tmp_path / "b", b"y")
        os.utime(other, ns=(1, 1))
        digests = FileDigests(tmp_path / "memory.sqlite")
        with monkeypatch.context() as patch:
            patch.setattr(file_digests, "is_settled", lambda stat, now_ns: stat.st_mtime_ns == 1)
            digests.note(path, sha256_bytes(b"x"))
            digests.file(other)
        with monkeypatch.context() as patch:
            patch.setattr(file_digests, "is_settled", lambda stat, now_ns: True)
            digests.close()
        FileDigests(tmp_path / "memory.sqlite").file(path)
        assert reads == [other]

    def test_a_file_written_just_before_the_end_is_read_later(
        self, tmp_path: Path, reads: list[Path]
    ) -> None:
        path = write(tmp_path / "a", b"x")
        digests = FileDigests(tmp_path / "memory.sqlite")
        digests.note(path, sha256_bytes(b"x"))
        digests.close()
        FileDigests(tmp_path / "memory.sqlite").file(path)
        assert reads == [path]


class TestRacyFiles:
    def test_a_file_changed_just_now_is_not_remembered(
        self, tmp_path: Path, digests: FileDigests, reads: list[Path]
    ) -> None:
        path = write(tmp_path / "a", b"x")
        digests.file(path)
        digests.file(path)
        assert reads == [path, path]

    def test_an_old_mtime_does_not_make_a_file_changed_just_now_settled(
        self, tmp_path: Path, digests: FileDigests, reads: list[Path]
    ) -> None:
        path = write(tmp_path / "a", b"x")
        os.utime(path, (1, 1))
        digests.file(path)
        digests.file(path)
        assert len(reads) == 2

    def test_a_settled_file_is_remembered(
        self, root: Path, digests: FileDigests, reads: list[Path]
    ) -> None:
        path = Path(sys.executable).resolve()
        assert digests.file(path) == digests.file(path)
        assert reads == [path]


class TestTrees:
    def test_names_are_relative_and_in_order(self, tmp_path: Path, digests: FileDigests) -> None:
        for name in ("b", "a/z", "a/y"):
            write(tmp_path / "tree" / name, name.encode())
        assert digests.tree(tmp_path / "tree") == {
            "a/y": sha256_bytes(b"a/y"),
            "a/z": sha256_bytes(b"a/z"),
            "b": sha256_bytes(b"b"),
        }

    def test_a_single_file_is_a_tree_of_its_name(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        assert digests.tree(write(tmp_path / "a", b"x")) == {"a": sha256_bytes(b"x")}

    def test_the_digest_does_not_know_where_the_tree_lies(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        write(tmp_path / "one" / "a", b"x")
        shutil.copytree(tmp_path / "one", tmp_path / "deep" / "two")
        assert digests.tree(tmp_path / "one") == digests.tree(tmp_path / "deep" / "two")

    def test_content_names_and_number_of_files_change_the_digest(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        write(tmp_path / "t" / "a", b"x")
        seen = {combine(digests.tree(tmp_path / "t"))}
        write(tmp_path / "t" / "a", b"y")
        seen.add(combine(digests.tree(tmp_path / "t")))
        (tmp_path / "t" / "a").rename(tmp_path / "t" / "b")
        seen.add(combine(digests.tree(tmp_path / "t")))
        write(tmp_path / "t" / "c", b"")
        seen.add(combine(digests.tree(tmp_path / "t")))
        assert len(seen) == 4

    def test_hidden_files_are_left_out(self, tmp_path: Path) -> None:
        for name in ("a", ".hidden", ".folder/b"):
            write(tmp_path / "t" / name, b"")
        assert [name for name, _ in files_beneath(tmp_path / "t")] == ["a"]

    def test_a_link_within_the_tree_is_followed(self, tmp_path: Path, digests: FileDigests) -> None:
        write(tmp_path / "t" / "a", b"x")
        (tmp_path / "t" / "b").symlink_to("a")
        assert digests.tree(tmp_path / "t")["b"] == sha256_bytes(b"x")

    def test_a_tree_reached_through_a_link_is_followed(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        write(tmp_path / "t" / "a", b"x")
        (tmp_path / "link").symlink_to("t")
        assert digests.tree(tmp_path / "link") == digests.tree(tmp_path / "t")

    def test_a_link_that_leads_out_is_refused(self, tmp_path: Path, digests: FileDigests) -> None:
        write(tmp_path / "outside", b"x")
        write(tmp_path / "t" / "a", b"x")
        (tmp_path / "t" / "out").symlink_to("../outside")
        with pytest.raises(InputError, match="out: a link that leads out"):
            digests.tree(tmp_path / "t")

    @pytest.mark.parametrize("target", ["../elsewhere", "inner"])
    def test_a_linked_folder_is_refused_rather_than_passed_over(
        self, tmp_path: Path, digests: FileDigests, target: str
    ) -> None:
        write(tmp_path / "elsewhere" / "a", b"x")
        write(tmp_path / "t" / "inner" / "a", b"x")
        (tmp_path / "t" / "stories").symlink_to(target)
        with pytest.raises(InputError, match="stories: a linked folder"):
            digests.tree(tmp_path / "t")

    def test_a_link_that_leads_nowhere_is_refused(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        (tmp_path / "t").mkdir()
        (tmp_path / "t" / "dead").symlink_to("gone")
        with pytest.raises(InputError, match="dead: a link to gone, where nothing is"):
            digests.tree(tmp_path / "t")

    def test_a_pipe_is_refused_rather_than_waited_for(
        self, tmp_path: Path, digests: FileDigests
    ) -> None:
        (tmp_path / "t").mkdir()
        os.mkfifo(tmp_path / "t" / "pipe")
        with pytest.raises(InputError, match="pipe: not a file"):
            digests.tree(tmp_path / "t")

    def test_a_missing_tree_is_refused(self, tmp_path: Path, digests: FileDigests) -> None:
        with pytest.raises(InputError, match="gone/: cannot be read"):
            digests.tree(tmp_path / "gone")


def test_a_memory_that_is_no_database_is_refused_with_a_remedy(tmp_path: Path) -> None:
    memory = write(tmp_path / "memory.sqlite", b"not a database at all" * 100)
    with pytest.raises(InputError, match=r"memory\.sqlite.*Remove it"):
        FileDigests(memory)


def test_a_full_disk_is_not_taken_for_a_broken_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(file_digests, "_open", fail)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        FileDigests(tmp_path / "memory.sqlite")


def test_a_killed_process_leaves_a_memory_that_works(tmp_path: Path, root: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from preprocessing.base.file_digests import FileDigests\n"
        "digests = FileDigests(Path(sys.argv[1]))\n"
        "digests.file(Path(sys.executable))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    memory = tmp_path / "memory.sqlite"
    done = subprocess.run([sys.executable, "-c", program, str(memory)], cwd=root, check=False)
    assert done.returncode == -9
    digests = FileDigests(memory)
    path = write(tmp_path / "a", b"x")
    assert digests.file(path) == sha256_bytes(b"x")
    digests.close()


def test_a_memory_that_is_only_read_stays_what_it_was(tmp_path: Path, no_racy_window: None) -> None:
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    memory = tmp_path / "memory.sqlite"
    first = FileDigests(memory)
    first.tree(tmp_path / "one")
    first.close()
    before = memory.read_bytes()
    reading = FileDigests(memory, writes=False)
    assert reading.file(tmp_path / "two") == sha256_bytes(b"2")
    assert reading._recall(str(tmp_path / "one")) is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading._database.execute("DELETE FROM files")
    reading.close()
    assert memory.read_bytes() == before


def test_what_a_tree_has_taught_is_there_for_others_at_once(
    tmp_path: Path, no_racy_window: None
) -> None:
    memory, file = tmp_path / "new" / "memory.sqlite", write(tmp_path / "tree" / "one", b"1")
    learning = FileDigests(memory)
    learning.tree(tmp_path / "tree")
    reading = FileDigests(memory, writes=False)
    assert reading._recall(str(file)) is not None
    reading.close()
    learning.close()


def test_a_memory_of_which_nothing_is_written_yet_can_be_read(tmp_path: Path) -> None:
    memory, file = write(tmp_path / "memory.sqlite", b""), write(tmp_path / "one", b"1")
    reading = FileDigests(memory, writes=False)
    assert reading.file(file) == sha256_bytes(b"1")
    reading.close()


def test_a_memory_that_is_not_there_is_not_made_for_reading(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    reading = FileDigests(tmp_path / "workspace" / "memory.sqlite", writes=False)
    assert reading.file(tmp_path / "one") == sha256_bytes(b"1")
    reading.close()
    assert not (tmp_path / "workspace").exists()
