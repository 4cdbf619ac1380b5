import json
from collections import Counter
from pathlib import Path

import pytest
from corpora import conversation, coqa_json, story, write_release

from preprocessing.base.digests import sha256_bytes, sha256_text
from preprocessing.base.errors import InputError
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.report import Tally, write_report
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.records.exclusion import with_exclude_file
from preprocessing.records.ids import names_of
from preprocessing.records.record import Drop


def left(root: Path, options: CorpusOptions) -> tuple[list[str], list[tuple[str, str]]]:
    """The ids of the records, and reason and id of each drop."""
    records, drops = read_records(root, options, 0)
    return [record.id for record in records], [(drop.reason, drop.id) for drop in drops]


def test_records_are_excluded_by_id_and_files_by_name(tmp_path):
    ids = write_release(tmp_path)
    name = f"cnn/stories/{ids[4]}.story"
    records, drops = left(tmp_path, CorpusOptions(exclude=[ids[0], name]))
    assert records == sorted({*ids} - {ids[0], ids[4]})
    assert sorted(drops) == sorted([("excluded", ids[0]), ("excluded", name)])


def test_a_story_is_excluded_with_all_its_records(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.story").write_text(story("An article.", "One", "Two"))
    options = CorpusOptions(highlight="each", exclude=["a"])
    records, drops = left(tmp_path, options)
    assert records == ["b#1", "b#2"]
    assert drops == [("excluded", "a#1"), ("excluded", "a#2")]
    assert left(tmp_path, CorpusOptions(highlight="each", exclude=["a#2"]))[0] == [
        "a#1",
        "b#1",
        "b#2",
    ]


def test_what_would_be_dropped_or_refused_anyway_counts_as_excluded(tmp_path):
    (tmp_path / "a.story").write_text("Without highlights.")
    (tmp_path / "b.story").write_text(story("An article.", "One"))
    assert left(tmp_path, CorpusOptions(exclude=["a"])) == (["b"], [("excluded", "a")])
    train, dev = (tmp_path / f"coqa-{name}-v1.0.json" for name in ("train", "dev"))
    train.write_bytes(coqa_json(conversation("a"), conversation("b")))
    dev.write_bytes(b"not JSON")
    options = CorpusOptions(task="coqa", exclude=["a", dev.name])
    assert left(tmp_path, options) == (["b"], [("excluded", "a"), ("excluded", dev.name)])


def test_an_excluded_text_file_is_not_part_of_the_stream_that_is_cut(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("012345678\n" * 10)
    records, drops = left(tmp_path, CorpusOptions(task="text", exclude=["c.txt"]))
    pieces = (b"012345678\n" * count for count in (6, 2))
    first, last = (sha256_bytes(piece)[:32] for piece in pieces)
    assert sorted(records) == sorted(["a.txt", first, last, f"{last}~2"])
    assert drops == [("excluded", "c.txt")]


def test_rows_are_excluded_by_their_id_or_with_their_table(tmp_path):
    rows = "".join(json.dumps({"text": text}) + "\n" for text in "abc")
    (tmp_path / "a.jsonl").write_text(rows)
    first, second, third = (sha256_text(text)[:32] for text in "abc")
    options = CorpusOptions(task="text", exclude=[second])
    assert left(tmp_path, options) == (sorted([first, third]), [("excluded", second)])
    assert left(tmp_path, CorpusOptions(task="text", exclude=["a.jsonl"]))[0] == []


@pytest.mark.parametrize("named", ["", "~3"])
def test_who_names_a_record_names_all_of_its_content(tmp_path, named):
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n{"text": "a"}\n')
    excluded, kept = (sha256_text(text)[:32] for text in "ab")
    records, drops = left(tmp_path, CorpusOptions(task="text", exclude=[excluded + named]))
    assert records == [kept, f"{kept}~2"]
    assert drops == [("excluded", excluded)] * 4


@pytest.mark.parametrize("record_id", ["7", "a#b", "a~2", "0" * 32, f"{'0' * 32}~x"])
def test_a_name_that_only_looks_like_one_of_a_group_is_in_none(record_id):
    assert names_of(record_id) == (record_id,)


@pytest.mark.parametrize("place", ["a.jsonl#2", "x/a.csv.gz#17", "a.txt@500", "ids.npz#1"])
def test_an_id_that_says_where_a_record_was_is_refused_with_the_remedy(tmp_path, place):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(
        InputError, match=r"corpus\.exclude: .*says where a record is.*the record's own id"
    ):
        left(tmp_path, CorpusOptions(task="text", exclude=[place]))
    (tmp_path / "out").write_text(f"{place}\n")
    with pytest.raises(InputError, match=r"/out: .*says where a record is"):
        left(tmp_path, CorpusOptions(task="text", exclude_file="out"))


def test_a_file_in_the_corpus_can_list_what_to_exclude(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("text\n")
    (tmp_path / "not.txt").write_bytes(b"\xef\xbb\xbfa.txt\r\n\r\n  b.txt \n")
    options = CorpusOptions(task="text", exclude_file="./not.txt")
    assert with_exclude_file(tmp_path, options).exclude == ["a.txt", "b.txt"]
    found, _ = read_records(tmp_path, options, 0)
    assert {record.source for record in found} == {"c.txt"}
    _, drops = left(tmp_path, options)
    assert drops == [("excluded", "a.txt"), ("excluded", "b.txt")]


def test_an_exclude_file_that_is_not_there_or_outside_is_refused(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "a.txt").write_text("text")
    (root / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "outside.txt").write_text("a.txt")
    for name, message in (
        ("missing.txt", "cannot be read"),
        ("../outside.txt", "outside"),
        ("latin.txt", "byte 3 is not UTF-8"),
        (".hidden.txt", "no digest of the corpus covers hidden files"),
    ):
        options = CorpusOptions(task="text", exclude_file=name)
        with pytest.raises(InputError, match=message):
            read_records(root, options, 0)
        with pytest.raises(InputError, match="the corpus is the single file"):
            read_records(root / "a.txt", options, 0)


def test_excluded_documents_are_in_the_report_but_do_not_stop_the_run(tmp_path):
    tally = Tally()
    for number in range(10):
        tally.add(Counter(train=1))
        tally.add(Drop("excluded", "a", f"{number}", "named"))
    write_report(tally, str(tmp_path))
    report = check_corpus(str(tmp_path), CorpusOptions(max_dropped_fraction=0))
    assert report["reasons"]["excluded"]["count"] == 10
    tally.add(Drop("not_utf8", "a", "x", "why"))
    write_report(tally, str(tmp_path))
    with pytest.raises(InputError, match="1 of 21 documents were dropped") as error:
        check_corpus(str(tmp_path), CorpusOptions(max_dropped_fraction=0.01))
    assert [line.split(":")[0] for line in error.value.messages[1:]] == ["  not_utf8"]
