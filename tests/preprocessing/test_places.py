from pathlib import Path

import pytest

from preprocessing.base.places import files_matching, remove_folder, write_json
from preprocessing.corpus.report import Tally, note_unmatched, write_report
from preprocessing.tokens.job import list_shards

NAMES = ["exp [1]", "what?", "a*b", "[a-z]", "[!x]"]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_folder_of_this_name_is_looked_through(tmp_path: Path, name: str) -> None:
    for folder in (name, "exp 1", "whats", "aab", "b"):
        path = tmp_path / folder / "Split-train" / "records-00000-of-00001.tfrecord"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    folder = tmp_path / name
    found = files_matching(str(folder), "Split-*", "records-*")
    assert [file.path for file in found] == [
        str(folder / "Split-train" / "records-00000-of-00001.tfrecord")
    ]
    (shard,) = list_shards(str(folder), str(tmp_path / "rows"))
    assert shard.records == found[0].path


@pytest.mark.parametrize("name", NAMES)
def test_only_the_folder_of_this_name_is_removed(tmp_path: Path, name: str) -> None:
    for folder in (name, "exp 1", "whats", "aab", "b"):
        (tmp_path / folder).mkdir()
    for _ in range(2):
        remove_folder(str(tmp_path / name))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["aab", "b", "exp 1", "whats"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_could_not_be_written_whole_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(TypeError):
        write_json(str(tmp_path / name / "a.json"), object())
    assert list((tmp_path / name).iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_report_in_such_a_folder_is_read(tmp_path: Path, name: str) -> None:
    write_report(Tally(), str(tmp_path / name))
    (tmp_path / name / "drops").mkdir()
    drop = '{"id": "a", "source": "a.story", "reason": "excluded", "detail": ""}\n'
    (tmp_path / name / "drops" / "records-0.jsonl").write_text(drop)
    assert note_unmatched(str(tmp_path / name), {"a", "b"}) == ["b"]
