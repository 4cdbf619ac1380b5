import pytest
from corpora import only_drop, only_record, text_of
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.digests import sha256_bytes
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.tasks.sources import SourceFile
from preprocessing.tasks.text import parse
from preprocessing.tasks.text_cuts import cut_stream

OPTIONS = CorpusOptions(task="text")


def outcomes(data: bytes, start: int = 0, size: int | None = None):
    size = len(data) if size is None else size
    source = SourceFile("a/b.txt", size, "train", start, start + len(data))
    return list(parse(source, data, OPTIONS, 0))


def test_a_whole_file_is_one_record_in_the_loss():
    record = only_record(outcomes(b"One.\r\nTwo.\n"))
    assert (record.id, record.position) == ("a/b.txt", 0)
    assert text_of(record) == "One.\nTwo.\n"
    assert [(s.in_loss, s.references) for s in record.segments] == [(True, ())]


def test_a_piece_of_a_file_is_named_by_its_content():
    record = only_record(outcomes(b"Two.\n", start=5, size=10))
    assert (record.id, record.position) == (sha256_bytes(b"Two.\n")[:32], 5)


def test_a_byte_order_mark_is_removed_at_the_start_of_the_file_only():
    mark = "\ufeff".encode()
    assert text_of(only_record(outcomes(mark + b"a"))) == "a"
    assert text_of(only_record(outcomes(mark + b"a", start=4, size=9))) == "\ufeffa"


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b"", "empty", "0 bytes"),
        (b" \n\t\n", "empty", "4 bytes"),
        (b"abc\xff", "not_utf8", "byte 103 is 0xff"),
        (b"abc\0", "nul_bytes", "NUL at byte 103"),
    ],
)
def test_an_unfit_piece_is_dropped_with_its_reason_and_place(data, reason, detail):
    drop = only_drop(outcomes(data, start=100, size=200))
    assert drop.reason == reason
    assert drop.id == sha256_bytes(data)[:32]
    assert detail in drop.detail


def pieces_of(contents: dict[str, bytes], fractions=(0.1, 0.1), max_bytes=1 << 24):
    def read_at(name: str, offset: int, length: int) -> bytes:
        return contents[name][offset : offset + length]

    files = [(name, len(data)) for name, data in sorted(contents.items())]
    return list(cut_stream(files, fractions, max_bytes, read_at))


FRACTIONS = st.sampled_from([(0.1, 0.1), (0.0, 0.5), (0.3, 0.0), (0.0, 0.0), (0.5, 0.5)])
LINES = st.lists(st.text(max_size=5), max_size=20).map(lambda lines: "\n".join(lines).encode())


@given(
    st.dictionaries(st.sampled_from("abcd"), LINES, max_size=4),
    FRACTIONS,
    st.integers(1, 50),
)
def test_the_pieces_are_the_bytes_in_order_and_cut_no_character(contents, fractions, max_bytes):
    pieces = pieces_of(contents, fractions, max_bytes)
    joined = dict.fromkeys(contents, b"")
    order = {"train": 0, "validation": 1, "test": 2}
    for name, start, stop, _ in pieces:
        assert start == len(joined[name])
        piece = contents[name][start:stop]
        piece.decode()
        joined[name] += piece
    assert joined == contents
    splits = [order[split] for _, start, stop, split in pieces if stop > start]
    assert splits == sorted(splits)


def test_cuts_are_at_the_fractions_and_at_line_ends():
    lines = b"".join(b"%08d\n" % number for number in range(1000))
    pieces = pieces_of({"a": lines[:3600], "b": lines[3600:]})
    assert pieces == [
        ("a", 0, 3600, "train"),
        ("b", 0, 3600, "train"),
        ("b", 3600, 4500, "validation"),
        ("b", 4500, 5400, "test"),
    ]


def test_a_cut_within_a_line_moves_to_its_end():
    assert pieces_of({"a": b"0123456789\n0\n"}, (0.0, 0.5)) == [
        ("a", 0, 11, "train"),
        ("a", 11, 13, "test"),
    ]


def test_without_a_line_end_the_cut_moves_to_the_next_character_only():
    text = "\U0001f600".encode() * 5000
    pieces = pieces_of({"a": text}, (0.0, 0.4999))
    assert [(start, stop) for _, start, stop, _ in pieces] == [(0, 10_004), (10_004, 20_000)]


def test_a_file_longer_than_a_record_may_be_is_cut_into_several():
    lines = b"line\n" * 100
    pieces = pieces_of({"a": lines}, (0.0, 0.0), max_bytes=203)
    assert pieces == [("a", 0, 205, "train"), ("a", 205, 410, "train"), ("a", 410, 500, "train")]


def test_the_genuine_text_comes_back_whole_from_its_records(genuine):
    records, drops = read_records(genuine / "text", OPTIONS, 0)
    assert drops == []
    records.sort(key=lambda record: record.position)
    assert [record.split for record in records] == ["train", "validation", "test"]
    text = "".join(map(text_of, records))
    assert text == (genuine / "text" / "tinyshakespeare.txt").read_text()
