import gzip
import io
import tracemalloc

import pytest
from corpora import only_drop, only_record, text_of, whole
from hypothesis import given
from hypothesis import strategies as st

import preprocessing.tasks.text
from preprocessing.base.digests import sha256_bytes, sha256_text
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.records.ids import content_id
from preprocessing.records.record import Drop, example_to_record, record_to_example
from preprocessing.tasks.registry import list_sources
from preprocessing.tasks.text import parse, parse_documents, read_documents
from preprocessing.tasks.text_cuts import cut_stream

OPTIONS = CorpusOptions(task="text")


def outcomes(data: bytes, start: int = 0, size: int | None = None):
    size = len(data) if size is None else size
    source = SourceFile("a/b.txt", size, "train", start, start + len(data))
    return [parse(source, data, Corpus(open, OPTIONS))]


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

    files = (SourceFile.whole(name, len(data)) for name, data in sorted(contents.items()))
    pieces = cut_stream(Sources(files), fractions, max_bytes, read_at)
    return [(piece.name, piece.start, piece.stop, piece.split) for piece in pieces]


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
        assert piece or not contents[name]
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


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (b"x" * 540 + b"\n" + b"y" * 459, 541),  # forward to the start of a line
        (b"x" * 470 + b"\n\n" + b"y" * 528, 472),  # back, where there is none ahead
        (b"x" * 470 + b" " + b"y" * 40 + b" " + b"z" * 488, 512),  # forward to a word
        (b"x" * 470 + b" " + b"y" * 529, 471),  # back to a word
        (
            b"x" * 239 + b"\n" + b"x" * 230 + b" " + b"y" * 529,
            471,
        ),  # of nothing nothing is held out
        ("\U0001f600".encode() * 250, 500),
        (("x" + "\U0001f600" * 249 + "xyz").encode(), 501),  # to the next character
        (b"x" * 100 + b"\n" + b"y" * 899, 500),  # too far away
    ],
)
def test_a_cut_moves_to_the_nearest_start_that_leaves_half_of_each_split(text, cut):
    assert len(text) == 1000
    assert [piece[1:] for piece in pieces_of({"a": text}, (0.0, 0.5))] == [
        (0, cut, "train"),
        (cut, 1000, "test"),
    ]


def test_a_cut_near_the_end_of_a_file_moves_there_if_the_split_goes_on_in_the_next():
    contents = {"a": b"x" * 600, "b": b"y" * 400}
    assert pieces_of(contents, (0.0, 0.45)) == [
        ("a", 0, 600, "train"),
        ("b", 0, 400, "test"),
    ]


def test_a_few_bytes_that_are_a_file_are_held_out():
    contents = {"a": b"x" * 50, "b": b"y" * 4}
    assert pieces_of(contents, (0.0, 0.2)) == [("a", 0, 50, "train"), ("b", 0, 4, "test")]


ESSAY = "\n\n".join(
    f"Paragraph {number}. " + "A sentence of the essay. " * 20 for number in range(8)
)


@pytest.mark.parametrize(
    "text",
    [
        ESSAY,
        "A sentence of the essay. " * 1200,
        "One paragraph, shorter than a window.",
        "Roses are red,\nviolets are blue,\nsugar is sweet.\n",
        "\u4e00" * 100,
    ],
)
def test_a_small_text_has_every_split(text):
    data = text.encode()
    pieces = pieces_of({"a": data})
    assert [split for *_, split in pieces] == ["train", "validation", "test"]
    for _, start, stop, _ in pieces:
        assert data[start:stop].decode().strip()
    assert pieces[0][2] >= len(data) / 4


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


@pytest.mark.parametrize(
    "names",
    [
        {"train.txt": "train", "valid.txt": "validation", "test.txt": "test"},
        {"wiki.train.raw": "train", "wiki.valid.raw": "validation", "wiki.test.raw": "test"},
        {"wiki.train.tokens": "train", "wiki.test.tokens": "test"},
        {"a/train/1.txt": "train", "a/train/2.txt": "train", "a/dev/1.txt": "validation"},
        {"train-0.txt.gz": "train", "train-1.txt": "train", "val.txt": "validation"},
    ],
)
def test_texts_keep_the_splits_of_the_release(tmp_path, names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = f"The text of {name}.\n".encode() * 100
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    sources = list_sources(tmp_path, CorpusOptions(task="text", max_record_bytes=1000))
    assert {source.name: source.split for source in sources} == names
    assert len(sources) > len(names)


@pytest.mark.parametrize(
    "names", [["test.txt"], ["train.txt"], ["The test.txt", "b.txt"], ["valid.txt", "test.txt"]]
)
def test_a_text_that_only_sounds_like_a_split_is_cut_as_any(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("A line.\n" * 1000)
    splits = {source.split for source in list_sources(tmp_path, OPTIONS)}
    assert splits == {"train", "validation", "test"}
    assert {source.split for source in list_sources(tmp_path, PARTED)} == {None}


POEMS = [f"Poem {number}\nRoses are red,\nviolets blue." for number in range(200)]
PARTED = CorpusOptions(task="text", document_separator="<|endoftext|>")


def test_a_separator_parts_a_text_into_documents_in_splits_of_their_own(tmp_path):
    (tmp_path / "poems.txt").write_text("\n<|endoftext|>\n".join(POEMS))
    records, drops = read_records(tmp_path, PARTED, 0)
    assert drops == []
    assert sorted(map(text_of, records)) == sorted(POEMS)
    assert {record.split for record in records} == {"train", "validation", "test"}
    assert {record.id: record.position for record in records if record.position < 60} == {
        content_id(sha256_text(POEMS[0])): 0,
        content_id(sha256_text(POEMS[1])): len(POEMS[0]) + len("\n<|endoftext|>\n"),
    }


def test_documents_between_separators_keep_the_splits_of_the_release(tmp_path):
    for name in ("train.txt", "test.txt.gz"):
        data = f"One of {name}\n---\nTwo of {name}\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    options = CorpusOptions(task="text", document_separator="\n---\n")
    records, drops = read_records(tmp_path, options, 0)
    assert drops == []
    assert sorted((record.split, text_of(record)) for record in records) == [
        ("test", "One of test.txt.gz"),
        ("test", "Two of test.txt.gz"),
        ("train", "One of train.txt"),
        ("train", "Two of train.txt"),
    ]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("separator", ["\n\n", "\n---\n", "\r\n\r\n", "<|endoftext|>"])
def test_a_separator_with_line_ends_parts_the_texts_of_every_system(end, separator, monkeypatch):
    documents = ["One\nof two lines", "Two", "Three"]
    written = separator.replace("\r\n", "\n").join(documents).replace("\n", end)
    for at_once in (1, 2, 1 << 20):
        monkeypatch.setattr(preprocessing.tasks.text, "_READ_AT_ONCE", at_once)
        for mark in ("", "\ufeff"):
            data = f"{mark}{written}".encode()
            found = [
                content for _, content in read_documents(io.BytesIO(data), separator.encode(), 100)
            ]
            assert found == [document.replace("\n", end).encode() for document in documents]


def test_a_byte_order_mark_before_a_separator_is_no_document():
    found = list(read_documents(io.BytesIO(b"\xef\xbb\xbf|\nOne|"), b"|", 10))
    assert found == [(5, b"One")]


def test_a_document_that_is_too_large_or_no_text_drops_itself_only():
    data = b"a|" + b"x" * 11 + b"|caf\xe9| |b"
    options = CorpusOptions(task="text", max_record_bytes=10)
    found = list(
        parse_documents(whole("a.txt", data), io.BytesIO(data), "|", Corpus(open, options))
    )
    assert [
        outcome.reason if isinstance(outcome, Drop) else text_of(outcome) for outcome in found
    ] == ["a", "too_large", "not_utf8", "empty", "b"]
    assert "byte 2" in found[1].detail
    assert "byte 17 is 0xe9" in found[2].detail


def test_of_a_document_that_is_too_large_little_is_held():
    data = b"x" * (9 << 20) + b"|b|" + b"y" * (3 << 20)
    file = io.BytesIO(data)
    tracemalloc.start()
    found = list(read_documents(file, b"|", 10))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(0, None), ((9 << 20) + 1, b"b"), ((9 << 20) + 3, None)]
    assert peak < 6 << 20


@pytest.mark.parametrize("size", [(2 << 20) + more for more in (0, 3, 4, 9, 14)])
def test_the_last_bytes_of_a_document_that_is_too_large_are_none(size):
    found = list(read_documents(io.BytesIO(b"x" * size + b"|b"), b"|", 10))
    assert found == [(0, None), (size + 1, b"b")]


@given(st.lists(st.sampled_from([b"a", b"-", b"--", b"---", b"\n", b"bb"])).map(b"".join))
def test_documents_are_what_stands_between_separators(data):
    parts = [part.strip(b"\r\n") for part in data.split(b"---")]
    found = list(read_documents(io.BytesIO(data), b"---", 1 << 20))
    assert [content for _, content in found] == [part for part in parts if part]
    for start, content in found:
        assert data[start:].startswith(content)


@pytest.mark.parametrize(("end", "reason"), [(b" \n", "empty"), (b"\xff\n", "not_utf8")])
def test_a_piece_of_a_file_that_is_no_text_drops_itself_only(tmp_path, end, reason):
    (tmp_path / "a.txt").write_bytes(b"A line.\n" * 200 + end * 200)
    records, drops = read_records(tmp_path, OPTIONS, 0)
    assert {record.split for record in records} >= {"train"}
    assert {drop.reason for drop in drops} == {reason}


def test_a_text_that_is_cut_ends_where_it_ends(tmp_path):
    (tmp_path / "a.txt").write_text("A line of text.\n" * 100)
    (tmp_path / "b.txt").write_text("Another line.\n" * 2)
    options = CorpusOptions(task="text", max_record_bytes=500)
    records, _ = read_records(tmp_path, options, 0)
    assert len(records) == 6
    # Of what is too large for a record, and of what is whole, no other digest is known than its own.
    assert {record.document for record in records} == {b""}
    (other,) = (record for record in records if record.source == "b.txt")
    assert other.continues == 0
    pieces = sorted((r for r in records if r.source == "a.txt"), key=lambda r: r.position)
    assert [piece.continues for piece in pieces] == [*(p.position for p in pieces[1:]), 0]
    for record in records:
        assert example_to_record(record_to_example(record)) == record
