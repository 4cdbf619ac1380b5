"""Large tables in pieces: the same rows with the same numbers, each in one piece."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.corpus.reading import read_source
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import opener_in
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_pieces import table_pieces
from preprocessing.readers.table_rows import TableRow
from preprocessing.readers.tables import table_rows
from preprocessing.records.record import Drop, Fault, Outcome, Record

OPTIONS = CorpusOptions(task="text")
LINES = st.sampled_from(
    [b'{"text": "a"}', b"", b"broken", b'{"text": "\xff"}', b'{"text": "bcdef"}']
)


def read(path: Path, sources: list[SourceFile]) -> list[Outcome]:
    return [
        outcome
        for source in sources
        for outcome in read_source(source, Corpus(opener_in(str(path.parent)), OPTIONS))
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=30), st.booleans(), st.integers(1, 100))
def test_the_pieces_of_json_lines_are_its_rows_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ends: bool, piece: int
) -> None:
    data = b"\xef\xbb\xbf" + b"\n".join(lines) + (b"\n" if ends else b"")
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    path.write_bytes(data)
    whole = SourceFile(path.name, len(data), None, 0, len(data))
    corpus = Corpus(opener_in(str(path.parent)), OPTIONS)
    pieces = table_pieces(whole, corpus, piece)
    assert [piece.start for piece in pieces] == [0, *(piece.stop for piece in pieces[:-1])]
    assert pieces[-1].stop == len(data)

    def rows(source: SourceFile) -> list[TableRow | Drop | Fault]:
        found = table_rows(source, corpus, {"text": ""}, ())
        # A piece without rows is none that a drop would name.
        return [row for row in found if not (isinstance(row, Drop) and row.reason == "empty")]

    assert [row for source in pieces for row in rows(source)] == rows(whole)
    assert all(each.stop - each.start >= piece for each in pieces[:-1])
    assert all(each.stop - each.start <= 8 * piece + 30 for each in pieces if len(pieces) > 1)


def test_the_pieces_of_a_parquet_file_are_its_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pyarrow.table({"other": range(100), "text": [f"text {n}" for n in range(100)]})
    pyarrow.parquet.write_table(table, path, row_group_size=7)
    size = path.stat().st_size
    source, corpus = SourceFile.whole(path.name, size), Corpus(opener_in(str(tmp_path)), OPTIONS)
    whole = table_pieces(source, corpus)
    assert whole == [source]
    for piece_bytes, least in ((1, 15), (size // 3, 2)):
        pieces = table_pieces(source, corpus, piece_bytes)
        assert len(pieces) >= least
        assert sum(piece.stop - piece.start for piece in pieces) == size
        assert read(path, pieces) == read(path, whole)
    last = read(path, whole)[-1]
    assert isinstance(last, Record)
    assert last.position == 100


@pytest.mark.parametrize("dictionary", [True, False])
def test_what_a_row_group_holds_is_in_the_digest_of_its_piece(
    tmp_path: Path, dictionary: bool
) -> None:
    found = []
    for text in ("aaa", "bbb"):
        path = tmp_path / f"{text}.parquet"
        table = pyarrow.table({"text": ["x"] * 10 + [text] * 10 + ["z"] * 10})
        pyarrow.parquet.write_table(table, path, row_group_size=10, use_dictionary=dictionary)
        source = SourceFile.whole(path.name, path.stat().st_size)
        pieces = table_pieces(source, Corpus(opener_in(str(tmp_path)), OPTIONS), 1)
        found.append([piece.digest for piece in pieces])
    # What stands at the end of the file knows the least and the greatest text of each group.
    assert [one == other for one, other in zip(*found, strict=True)] == [True, False, False]


def test_what_cannot_be_cut_stays_whole(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl.gz", "broken.parquet", "out.jsonl"):
        (tmp_path / name).write_bytes(b"x\n" * 100)
        options = CorpusOptions(task="text", exclude=["out.jsonl"])
        source = SourceFile(name, 200, None, 0, 200)
        assert table_pieces(source, Corpus(opener_in(str(tmp_path)), options), 10) == [source]
    missing = SourceFile.whole("missing.jsonl", 200)
    assert table_pieces(missing, Corpus(opener_in(str(tmp_path)), OPTIONS), 10) == [missing]
