import pytest
from corpora import conversation, coqa_json, only_fault, whole, write_release

from preprocessing.base.errors import InputError
from preprocessing.corpus.reading import read_records, read_source
from preprocessing.options import CorpusOptions
from preprocessing.tasks.registry import TASKS

COQA = CorpusOptions(task="coqa")


def test_records_are_sorted_by_id_and_drops_are_returned(tmp_path):
    ids = write_release(tmp_path)
    (tmp_path / "cnn" / "stories" / f"{ids[4]}.story").write_text("No highlight.")
    records, drops = read_records(tmp_path, CorpusOptions(), 0)
    assert [record.id for record in records] == sorted(set(ids) - {ids[4]})
    assert [(drop.reason, drop.id) for drop in drops] == [("no_highlight", ids[4])]


def test_all_faults_are_raised_together_up_to_twenty(tmp_path):
    bad = [conversation(f"c{number}", story=number) for number in range(25)]
    (tmp_path / "coqa-train-v1.0.json").write_bytes(coqa_json(*bad))
    with pytest.raises(InputError) as error:
        read_records(tmp_path, COQA, 0)
    assert len(error.value.messages) == 21
    assert error.value.messages[0].startswith("coqa-train-v1.0.json: data[0].story must be")
    assert error.value.messages[-1] == "and 5 more faults of this kind"


def test_an_id_in_two_files_is_a_fault(tmp_path):
    for name in ("coqa-train-v1.0.json", "coqa-dev-v1.0.json"):
        (tmp_path / name).write_bytes(coqa_json(conversation("same")))
    with pytest.raises(InputError, match=r"record id 'same' occurs twice: in coqa-dev.*split test"):
        read_records(tmp_path, COQA, 0)


def test_a_file_that_vanished_or_changed_its_size_is_a_fault(tmp_path):
    def open_file(name):
        return open(tmp_path / name, "rb")

    source = whole("a.txt", b"1234")
    options = CorpusOptions(task="text")
    assert "a.txt: cannot be read" in only_fault(list(read_source(source, open_file, options, 0)))
    for content in (b"123", b"12345"):
        (tmp_path / "a.txt").write_bytes(content)
        fault = only_fault(list(read_source(source, open_file, options, 0)))
        assert "a.txt: changed its size" in fault


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
