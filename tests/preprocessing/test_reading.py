import json

import pytest
from corpora import conversation, coqa_json, only_fault, whole, write_release

from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError
from preprocessing.corpus.reading import read_source
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import Corpus
from preprocessing.tasks.registry import TASKS

COQA = CorpusOptions(task="coqa")


def test_records_are_sorted_by_id_and_drops_are_returned(tmp_path):
    ids = write_release(tmp_path)
    (tmp_path / "cnn" / "stories" / f"{ids[4]}.story").write_text("No highlight.")
    records, drops = read_records(tmp_path, CorpusOptions(), 0)
    assert [record.id for record in records] == sorted(set(ids) - {ids[4]})
    assert [(drop.reason, drop.id) for drop in drops] == [("no_highlight", ids[4])]


def test_all_faults_are_raised_together_up_to_twenty(tmp_path):
    for number in range(25):
        (tmp_path / f"{number:02}.csv").write_text("body\nA text.\n")
    with pytest.raises(InputError) as error:
        read_records(tmp_path, CorpusOptions(task="text"), 0)
    assert len(error.value.messages) == 21
    assert error.value.messages[0].startswith("00.csv: no column text")
    assert error.value.messages[-1] == "and 5 more faults of this kind"


def test_of_two_records_with_one_id_the_held_out_one_stays_whether_in_one_file_or_in_two(tmp_path):
    twice = [conversation("same"), conversation("same", 3)]
    (tmp_path / "coqa-train-v1.0.json").write_bytes(coqa_json(conversation("a"), *twice))
    records, (drop,) = read_records(tmp_path, COQA, 0)
    assert [(record.id, record.position) for record in records] == [("a", 0), ("same", 1)]
    assert (drop.reason, drop.id) == ("duplicate_id", "same")
    assert drop.detail == "also the id of position 1 of coqa-train-v1.0.json"
    (tmp_path / "coqa-dev-v1.0.json").write_bytes(coqa_json(conversation("same", 4)))
    records, drops = read_records(tmp_path, COQA, 0)
    assert [(record.id, record.split) for record in records] == [("a", "train"), ("same", "test")]
    assert [drop.reason for drop in drops] == ["duplicate_id", "duplicate_id"]


def test_rows_of_the_same_content_are_numbered_across_files_and_all_kept(tmp_path):
    for name in ("a", "b"):
        lines = [json.dumps({"text": text}) for text in ("same", name, "same")]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    records, drops = read_records(tmp_path, CorpusOptions(task="text", max_dropped_fraction=0), 0)
    same = sha256_text("same")[:32]
    found = {(record.source, record.position): record.id for record in records}
    assert drops == []
    assert [found[place] for place in (("a.jsonl", 1), ("a.jsonl", 3), ("b.jsonl", 1))] == [
        same,
        f"{same}~2",
        f"{same}~3",
    ]
    assert len({record.split for record in records if record.id.startswith(same)}) == 1


def test_a_row_that_is_put_before_others_renames_none_and_moves_none_to_another_split(tmp_path):
    lines = [json.dumps({"text": f"Text {number}."}) for number in range(200)]
    found = []
    for before in ([], [json.dumps({"text": "A new one."})]):
        (tmp_path / "rows.jsonl").write_text("\n".join(before + lines))
        records, _ = read_records(tmp_path, CorpusOptions(task="text"), 0)
        found.append({record.id: record.split for record in records})
    assert len(found[0]) == 200
    assert found[0].items() < found[1].items()


@pytest.mark.parametrize(
    ("task", "name"), [("cnn_dailymail", "a.story"), ("coqa", "a.json"), ("text", "a.txt")]
)
def test_a_file_that_vanished_or_changed_its_size_is_a_fault(tmp_path, task, name):
    def open_file(name):
        return open(tmp_path / name, "rb")

    source = whole(name, b"1234")
    corpus = Corpus(open_file, CorpusOptions(task=task))
    assert f"{name}: cannot be read" in only_fault(list(read_source(source, corpus)))
    for content in (b"123", b"12345"):
        (tmp_path / name).write_bytes(content)
        assert f"{name}: changed its size" in only_fault(list(read_source(source, corpus)))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_tasks_default_loss_is_what_its_reader_does(tmp_path, name):
    corpora = {"cnn_dailymail": write_release, "coqa": _write_coqa, "text": _write_text}
    corpora[name](tmp_path)
    default, _ = read_records(tmp_path, CorpusOptions(task=name), 0)
    named, _ = read_records(tmp_path, CorpusOptions(task=name, loss_on=TASKS[name].loss_on), 0)
    assert default == named
    assert TASKS[name].name == name


def _write_coqa(folder):
    (folder / "coqa-train-v1.0.json").write_bytes(coqa_json(conversation()))


def _write_text(folder):
    (folder / "a.txt").write_text("One line.\n" * 20)


def _leaking(folder):
    (folder / "train.jsonl").write_text('{"text": "a b"}\n{"text": "c"}\n')
    (folder / "test.jsonl").write_text('{"text": "a  b"}\n')
    return folder


@pytest.mark.parametrize(("mode", "kept"), [("warn", 3), ("drop", 2)])
def test_a_document_in_two_splits_is_treated_as_the_job_does(tmp_path, mode, kept):
    options = CorpusOptions(task="text", on_leak=mode)
    records, drops = read_records(_leaking(tmp_path), options, 0)
    assert len(records) == kept
    assert [drop.source for drop in drops] == ["train.jsonl"] * (3 - kept)


def test_a_document_in_two_splits_can_be_a_fault(tmp_path):
    with pytest.raises(InputError, match="on_leak"):
        read_records(_leaking(tmp_path), CorpusOptions(task="text", on_leak="fail"), 0)
