"""Archives of token ids: every document found, exactly, and every broken one counted."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from corpora import only_drop, only_fault, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from unpacking import unpack

from preprocessing.corpus.reading import read_source
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.readers.source_file import Corpus
from preprocessing.readers.token_archives import END_OF_TEXT_ID
from preprocessing.records.copies import document_digest
from preprocessing.records.record import (
    Drop,
    Fault,
    Outcome,
    Record,
    example_to_record,
    record_to_example,
)
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.statistics import TokenStatistics
from preprocessing.tokens.vocabulary import load_vocabulary

OPTIONS = CorpusOptions(task="text")


def archive(*arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, *arrays)
    return file.getvalue()


def outcomes(data: bytes, most: int = 1 << 20) -> list[Outcome]:
    options = CorpusOptions(task="text", max_record_bytes=most)
    corpus = Corpus(lambda _: io.BytesIO(data), options)
    return list(read_source(whole("ids.npz", data), corpus))


def ids_of(outcome: Outcome) -> tuple[int, ...]:
    assert isinstance(outcome, Record), outcome
    return outcome.segments[0].ids


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.lists(st.integers(0, 50_255), min_size=1), min_size=1), min_size=1),
    st.sampled_from(["<u2", ">i4", "<i8", "<u4"]),
    st.booleans(),
)
def test_documents_are_what_stands_between_ends_of_text(
    arrays: list[list[list[int]]], dtype: str, ends: bool
) -> None:
    flat = [
        np.array(
            [i for d in documents for i in [*d, END_OF_TEXT_ID]][: None if ends else -1], dtype
        )
        for documents in arrays
    ]
    found = outcomes(archive(*flat))
    assert [ids_of(outcome) for outcome in found] == [tuple(d) for ds in arrays for d in ds]
    assert [outcome.position for outcome in found if isinstance(outcome, Record)] == [
        *range(1, len(found) + 1)
    ]


def test_documents_go_on_from_one_reading_to_the_next() -> None:
    rng = np.random.default_rng(1)
    long = rng.integers(0, END_OF_TEXT_ID, 700_000)
    short = rng.integers(0, END_OF_TEXT_ID, 5)
    found = outcomes(archive(np.concatenate([long, [END_OF_TEXT_ID], short])), most=1 << 22)
    assert [ids_of(outcome) for outcome in found] == [tuple(long.tolist()), tuple(short.tolist())]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([1.0]), "wrong_type"),
        (np.array(["text"]), "wrong_type"),
        (np.array([[1, 2]]), "wrong_shape"),
        (np.array(3), "wrong_shape"),
        (np.array([], np.int64), "empty"),
        (np.array([1, -2]), "negative_id"),
        (np.array([2**31]), "unknown_id"),
        (np.array([2**64 - 1], np.uint64), "unknown_id"),
        (np.zeros(17, np.int64), "too_large"),
    ],
)
def test_what_cannot_be_used_is_dropped_with_its_reason(array: np.ndarray, reason: str) -> None:
    drop = only_drop(outcomes(archive(array), most=64))
    assert (drop.reason, drop.id) == (reason, "ids.npz#1")
    assert drop.detail.startswith("arr_0.npy: ")


def test_objects_are_not_unpickled() -> None:
    assert only_drop(outcomes(archive(np.array([{}], dtype=object)))).reason == "wrong_type"


def test_a_small_file_that_would_become_a_huge_one_is_read_in_portions() -> None:
    bomb = archive(np.zeros(20_000_000, np.uint8))
    assert len(bomb) < 100_000
    assert only_drop(outcomes(bomb, most=1000)).reason == "too_large"


def test_a_member_that_is_no_array_is_dropped_and_an_empty_archive_counted() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("readme.txt", "no array")
    assert only_drop(outcomes(file.getvalue())).reason == "wrong_type"
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    assert only_drop(outcomes(empty.getvalue())).reason == "empty"


def test_a_damaged_archive_is_a_fault() -> None:
    data = archive(np.arange(1000))
    assert "cannot be read as .npz" in only_fault(outcomes(data[:-30]))
    before_its_start = bytearray(data)
    before_its_start[data.rindex(b"PK\x05\x06") + 16 + 2] = 0xFF
    assert "cannot be read as .npz" in only_fault(outcomes(bytes(before_its_start)))
    broken = bytearray(data)
    broken[len(data) // 2] ^= 0xFF
    assert "cannot be read as .npz" in only_fault(outcomes(bytes(broken))[-1:])
    short = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole_one, zipfile.ZipFile(short, "w") as written:
        written.writestr("arr_0.npy", whole_one.read("arr_0.npy")[:-8])
    assert "an array ends before its last id" in only_fault(outcomes(short.getvalue())[-1:])


def test_of_an_array_with_less_than_no_ids_nothing_is_read() -> None:
    array = io.BytesIO()
    np.save(array, np.zeros(2_000_000, np.uint8))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("a.npy", array.getvalue().replace(b"(2000000,)", b"(-200000,)"))
    assert only_drop(outcomes(file.getvalue())).reason == "empty"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_fault_or_drops(data: bytes) -> None:
    for outcome in outcomes(data):
        assert not isinstance(outcome, Record)


@given(
    st.lists(st.lists(st.integers(0, 60_000), max_size=30), min_size=1, max_size=3),
    st.integers(0),
    st.integers(0, 255),
    st.booleans(),
)
def test_an_archive_with_a_byte_changed_or_cut_off_becomes_outcomes(
    arrays: list[list[int]], place: int, value: int, cut: bool
) -> None:
    data = bytearray(archive(*(np.array(ids, np.int64) for ids in arrays)))
    place %= len(data)
    if cut:
        del data[place:]
    else:
        data[place] = value
    for outcome in outcomes(bytes(data)):
        assert isinstance(outcome, Record | Drop | Fault)
        repr(outcome).encode()


def test_the_ids_reach_the_rows_exactly_and_unknown_ones_are_counted(tmp_path: Path) -> None:
    for name, arrays in (
        ("train.npz", [np.array([1, 2, 3, END_OF_TEXT_ID, 4, 5]), np.array([6, 60_000])]),
        ("test.npz", [np.array([7, 8])]),
    ):
        (tmp_path / name).write_bytes(archive(*arrays))
    records, drops = read_records(tmp_path, OPTIONS, 0)
    assert drops == []
    assert {(record.source, record.position): record.split for record in records} == {
        ("test.npz", 1): "test",
        ("train.npz", 1): "train",
        ("train.npz", 2): "train",
        ("train.npz", 3): "train",
    }
    assert len({document_digest(record) for record in records}) == 4
    assert [example_to_record(record_to_example(record)) for record in records] == records
    statistics = TokenStatistics()
    options = TokenOptions(sequence_length=4, over_long="split")
    rows = rows_of(records, load_vocabulary("gpt2"), options, statistics)
    found = {tuple(sequence.ids.tolist()) for sequence in unpack(rows)}
    end = END_OF_TEXT_ID
    assert found == {(7, 8, end), (1, 2, 3, end), (4, 5, end)}
    assert list(statistics.drops.by_reason) == ["unknown_id"]
