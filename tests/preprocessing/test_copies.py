import json
import random
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.errors import InputError
from preprocessing.corpus.settlement import repeated
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.records import copies
from preprocessing.records.copies import Copies, copies_among, document_digest
from preprocessing.records.record import SPLITS, Drop, Place, Record, Segment

WORDS = st.lists(st.text("abÄé£日\u0301", min_size=1, max_size=6), min_size=1)
WHITE_SPACE = st.text(" \t\n\r\x0b\x0c\xa0\u2003\u3000", min_size=1, max_size=3)


def record(record_id: str, text: str, split: str = "train", position: int = 0) -> Record:
    segments = (Segment(text, False), Segment(f"Of {record_id}.", True))
    return Record(record_id, f"{record_id}.txt", position, "digest", split, segments)


def digest(text: str) -> bytes:
    return document_digest(record("id", text))


def found(records: Iterable[Record]) -> list[Copies]:
    """The copies among records, sorted."""
    by_document = defaultdict(list)
    for each in records:
        by_document[document_digest(each)].append(each.place)
    groups = [copies for places in by_document.values() for copies in copies_among(places)]
    return sorted(groups, key=lambda group: group.places[0].id)


@given(WORDS, st.data())
def test_white_space_does_not_make_another_document(words, data):
    spaces = data.draw(st.lists(WHITE_SPACE, min_size=len(words), max_size=len(words)))
    spaced = "".join(space + word for space, word in zip(spaces, words, strict=True))
    assert digest(spaced) == digest(" ".join(words))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Zo\u00eb", "Zoe\u0308"), ("10\u00a0000", "10 000"), ("a\r\nb", "a\nb"), ("\ufb01n", "fin")],
)
def test_unicode_has_several_ways_to_write_one_document(one, other):
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Rose", "rose"), ("It is.", "It is"), ("Zoë", "Zoe"), ("a1", "1a")]
)
def test_other_characters_make_another_document(one, other):
    assert digest(one) != digest(other)


def test_only_the_document_counts_not_what_is_asked_or_told_about_it():
    one, other = record("a", "An article."), record("b", "An article.")
    assert one.segments != other.segments
    assert document_digest(one) == document_digest(other)
    moved = Record("c", "c.txt", 9, "another digest", "test", one.segments)
    assert document_digest(moved) == document_digest(one)


def test_copies_are_found_in_one_split_and_in_several_in_any_order():
    records = [record(f"single{number}", f"Text {number}.") for number in range(20)]
    records += [record("a2", "Copy A."), record("a1", "Copy  A.\n")]
    records += [record("b1", "Copy B."), record("b3", "Copy B.", "test")]
    records += [record("b2", "Copy B.", "validation"), record("b4", "Copy B.")]
    for seed in range(3):
        duplicates, leak = found(random.Random(seed).sample(records, len(records)))
        assert [place.id for place in duplicates.places] == ["a1", "a2"]
        assert not duplicates.is_leak
        assert list(duplicates.losers()) == []
        assert [place.id for place in leak.places] == ["b3", "b2", "b1", "b4"]
        assert leak.is_leak
        assert [place.id for place, _ in leak.losers()] == ["b2", "b1", "b4"]
        assert [place.id for place in leak.exposed()] == ["b3", "b2"]
        assert list(duplicates.exposed()) == []


def test_what_train_has_no_copy_of_is_not_exposed():
    held_out = [record("a", "Copy.", "test"), record("b", "Copy.", "validation")]
    (leak,) = found(held_out)
    assert list(leak.exposed()) == []
    # The parts of one text are no copies of one another.
    parts = [Place(split, "c.txt", 0, split, is_part=True) for split in ("test", "train")]
    leak = Copies((parts[0], held_out[1].place, parts[1]))
    assert [place.id for place in leak.exposed()] == ["b"]


def test_the_records_of_one_document_are_no_copies_of_each_other():
    story = [Record(f"a#{n}", "a.story", 0, "", "train", (Segment("A.", True),)) for n in (1, 2)]
    assert found(story) == []
    copy = [Record(f"b#{n}", "b.story", 0, "", "test", (Segment("A.", True),)) for n in (1, 2)]
    (leak,) = found(story + copy)
    assert [place.id for place in leak.documents] == ["b#1", "a#1"]
    assert [place.id for place, _ in leak.losers()] == ["a#1", "a#2"]
    rows = [Record(f"r{n}", "r.jsonl", n, "", "train", (Segment("A.", True),)) for n in (1, 2)]
    (duplicates,) = found(rows)
    assert [place.id for place in duplicates.documents] == ["r1", "r2"]


@given(st.lists(st.sampled_from(SPLITS), min_size=2, max_size=9))
def test_only_the_most_held_out_split_keeps_its_records(splits):
    places = [Place(f"id{n}", f"{n}.txt", 0, split) for n, split in enumerate(splits)]
    leak = Copies(tuple(sorted(places, key=copies._order)))
    kept = set(places) - {place for place, _ in leak.losers()}
    most = max(splits, key=SPLITS.index)
    assert kept == {place for place in places if place.split == most}
    assert leak.is_leak == (len(set(splits)) > 1)


def test_a_loser_is_a_drop_that_names_what_was_kept():
    kept, place = Place("b", "b.story", 0, "test"), Place("a", "a.story", 0, "train")
    (found,) = copies_among([place, kept])
    drop = Drop("leak", "a.story", "a", "the same document as b in b.story, split test")
    assert list(found.losers()) == [(place, drop)]


def test_a_copy_of_a_text_that_a_split_cuts_is_found(tmp_path):
    text = "".join(f"Line {number} of the text.\n" for number in range(40))
    (tmp_path / "a.txt").write_text("".join(f"Another line {number}.\n" for number in range(300)))
    (tmp_path / "b.txt").write_text(text)
    (tmp_path / "rows.train.jsonl").write_text(json.dumps({"text": text}) + "\n")
    for on_leak in ("warn", "drop"):
        options = CorpusOptions(task="text", test_fraction=0.06, on_leak=on_leak)
        records, drops = read_records(tmp_path, options, 0)
        cut = {record.split for record in records if record.source == "b.txt"}
        assert cut == {"validation", "test"}
        dropped = [(drop.reason, drop.source) for drop in drops]
        assert dropped == ([("leak", "rows.train.jsonl")] if on_leak == "drop" else [])
    with pytest.raises(InputError, match="1 document is in more than one split"):
        read_records(tmp_path, CorpusOptions(task="text", test_fraction=0.06, on_leak="fail"), 0)


@pytest.mark.parametrize(
    ("held_out", "dropped"),
    [
        ("test", ["b.txt train", "b.txt validation"]),
        ("valid", ["b.txt train"]),
        ("train", ["rows.train.jsonl train"]),
    ],
)
def test_no_part_of_a_text_stays_where_a_copy_of_the_whole_is_held_out(tmp_path, held_out, dropped):
    text = "".join(f"Line {number} of the text.\n" for number in range(40))
    name = f"rows.{held_out}.jsonl"
    (tmp_path / "a.txt").write_text("".join(f"Another line {number}.\n" for number in range(100)))
    (tmp_path / "b.txt").write_text(text)
    (tmp_path / name).write_text(json.dumps({"text": text}) + "\n")
    options = CorpusOptions(task="text", validation_fraction=0.2, test_fraction=0)
    for on_leak in ("warn", "drop"):
        records, drops = read_records(tmp_path, replace(options, on_leak=on_leak), 0)
        left = {f"{record.source} {record.split}" for record in records}
        assert {drop.reason for drop in drops} == ({"leak"} if on_leak == "drop" else set())
        everywhere = {"a.txt train", "b.txt train", "b.txt validation"}
        everywhere.add(f"{name} {'validation' if held_out == 'valid' else held_out}")
        assert left == everywhere - set(dropped if on_leak == "drop" else [])
    with pytest.raises(InputError, match="1 document is in more than one split") as error:
        read_records(tmp_path, replace(options, on_leak="fail"), 0)
    assert "b.txt, split train" in str(error.value)


def test_of_two_texts_that_are_cut_the_more_held_out_one_stays_whole(tmp_path):
    text = "".join(f"Line {number} of the text.\n" for number in range(60))
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(text)
    options = CorpusOptions(task="text", validation_fraction=0.5, test_fraction=0.2, on_leak="drop")
    records, drops = read_records(tmp_path, options, 0)
    assert {f"{record.source} {record.split}" for record in records} == {
        "b.txt validation",
        "b.txt test",
    }
    assert {drop.source for drop in drops} == {"a.txt"}


def test_the_parts_of_a_text_are_no_copies_of_each_other(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"Line {number}.\n" for number in range(300)))
    records, _ = read_records(tmp_path, CorpusOptions(task="text", on_leak="fail"), 0)
    assert [record.split for record in sorted(records, key=lambda r: r.position)] == [
        "train",
        "validation",
        "test",
    ]


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6), max_size=6))
def test_records_whose_id_or_document_occurs_again_are_found(
    portions: list[list[tuple[int, int]]],
) -> None:
    ids = Counter(own for portion in portions for own, _ in portion)
    documents = Counter(document for portion in portions for _, document in portion)
    hashes = {
        number: b"".join(struct.pack("<QQ", *pair) for pair in portion)
        for number, portion in enumerate(portions)
    }
    expected = {
        number: [
            place
            for place, (own, document) in enumerate(portion)
            if ids[own] > 1 or documents[document] > 1
        ]
        for number, portion in enumerate(portions)
    }
    assert dict(repeated(hashes)) == {number: found for number, found in expected.items() if found}
