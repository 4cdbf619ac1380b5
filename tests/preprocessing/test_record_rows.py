"""Records to rows: as one stream cut into windows, or each to itself."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from unpacking import join_pieces, unpack

from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, Segment
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.rows import Row
from preprocessing.tokens.sequences import stream_of, tokenize_record
from preprocessing.tokens.statistics import TokenStatistics
from preprocessing.tokens.vocabulary import load_vocabulary

BYTES = load_vocabulary("bytes")


def record(text: str, position: int = 0, in_loss: bool = True, source: str = "book") -> Record:
    segments = (Segment(text, in_loss),)
    return Record(f"{source}@{position}", source, position, "", "train", segments)


def rows(
    records: list[Record], length: int = 6, windows: str = "contiguous"
) -> tuple[list[Row], TokenStatistics]:
    options = TokenOptions(length, vocabulary="bytes", windows=windows)  # type: ignore[arg-type]
    statistics = TokenStatistics()
    return list(rows_of(records, BYTES, options, statistics)), statistics


def drawn(row: Row) -> str:
    """Letters, capitals in the loss; the end of text is a point, `!` in the loss; `_` is padding."""
    return "".join(
        "_" if not segment else ".!"[loss] if i == 256 else chr(i).upper() if loss else chr(i)
        for i, loss, segment in zip(
            row.input_ids.tolist(), row.loss_mask.tolist(), row.segment_ids.tolist(), strict=True
        )
    )


def test_rows_overlap_by_a_token_and_all_but_the_first_are_predicted_once() -> None:
    made, statistics = rows([record("abcd", 0), record("ef", 1)])
    assert [drawn(row) for row in made] == ["aBCD!E", "eF!___"]
    assert [row.positions.tolist() for row in made] == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 0, 0, 0]]
    assert (statistics.records, statistics.rows, statistics.sequences) == (2, 2, 2)
    assert (statistics.tokens, statistics.loss_tokens) == (9, 7)
    assert (statistics.characters.total, statistics.record_tokens.total) == (6, 8)
    assert statistics.drops.count == 0


def test_random_windows_are_stored_as_contiguous_ones() -> None:
    records = [record("some text", number) for number in range(5)]
    random, contiguous = (rows(records, windows=mode)[0] for mode in ("random", "contiguous"))
    assert [drawn(row) for row in random] == [drawn(row) for row in contiguous]


def test_the_pieces_of_a_file_are_joined_in_their_order() -> None:
    made, _ = rows([record("late", 1000), record("early", 500)], length=20)
    assert [drawn(row) for row in made] == ["eARLY!LATE!_________"]


def test_the_loss_mask_travels_with_the_tokens() -> None:
    made, _ = rows([record("ab", 0), record("cdef", 1, in_loss=False), record("g", 2)])
    assert [drawn(row) for row in made] == ["aB!cde", "ef.G!_"]


def test_several_records_of_one_story_each_have_an_end() -> None:
    made, _ = rows([record("ab"), replace(record("cd"), id="book@0#2")])
    assert [drawn(row) for row in made] == ["aB!CD!"]


def test_a_record_that_is_split_goes_on_in_the_next_row() -> None:
    options = TokenOptions(6, vocabulary="bytes", windows="off", over_long="split")
    made = list(rows_of([record("abcdefgh")], BYTES, options, TokenStatistics()))
    assert [drawn(row) for row in made] == ["aBCDEF", "fGH!__"]


def test_of_ids_the_bytes_of_their_text_count() -> None:
    ids = replace(record(""), segments=(Segment("", True, ids=(97, 98)),))
    options, statistics = TokenOptions(6, vocabulary="bytes", windows="off"), TokenStatistics()
    assert [drawn(row) for row in rows_of([ids], BYTES, options, statistics)] == ["aB!___"]
    assert (statistics.bytes, statistics.truncated.count) == (2, 0)


def test_in_a_stream_no_prompt_is_truncated() -> None:
    segments = (Segment("some words " * 20, False), Segment("q", False), Segment("t", True, ("t",)))
    story = Record("s", "s", 0, "", "train", segments)
    options = TokenOptions(6, vocabulary="bytes", windows="contiguous", over_long="truncate_prompt")
    made = list(rows_of([story], BYTES, options, TokenStatistics()))
    joined = join_pieces(list(unpack(made)))
    assert BYTES.decode(joined.ids.tolist()) == "some words " * 20 + "qt<|endoftext|>"


def test_no_record_gives_no_row() -> None:
    assert rows([])[0] == []


def test_without_windows_records_do_not_see_each_other() -> None:
    made, _ = rows([record("a", 0), record("b", 1)], windows="off")
    assert [row.segment_ids.tolist() for row in made] == [[1, 1, 2, 2, 0, 0]]


@given(
    st.lists(st.tuples(st.text("abc", max_size=12), st.booleans()), min_size=1, max_size=12),
    st.integers(2, 20),
)
def test_the_stream_is_its_rows_joined(documents: list[tuple[str, bool]], length: int) -> None:
    records = [record(text, place, loss) for place, (text, loss) in enumerate(documents)]
    made, _ = rows(records, length)
    (stream,) = stream_of([tokenize_record(one, BYTES) for one in records])
    joined = join_pieces(list(unpack(made)))
    np.testing.assert_array_equal(joined.ids, stream.ids)
    np.testing.assert_array_equal(joined.loss, stream.loss)
    assert sum(int(row.loss_mask.sum()) for row in made) == int(stream.loss.sum())
    assert len(made) == max(1, -(-(len(stream.ids) - 1) // (length - 1)))
    assert all((row.segment_ids > 0).all() for row in made[:-1])


def test_separators_in_texts_are_counted_and_stay_text():
    found, statistics = rows([record("a<|endoftext|>b<|endoftext|>", 0), record("c", 9)], length=64)
    assert statistics.separators == 2
    assert drawn(found[0]).count("!") == 2


def piece(text: str, position: int, source: str = "book") -> Record:
    return replace(record(text, position, source=source), continues=position + len(text))


def test_pieces_of_a_document_have_one_end_of_text_together():
    found, _ = rows(
        [piece("ab", 0), piece("cd", 2), record("ef", 4), record("gh", 0, source="c")], 16
    )
    assert [drawn(row) for row in found] == ["aBCDEF!GH!______"]


def test_a_piece_that_goes_on_elsewhere_has_an_end_of_text_before_something_else_only():
    found, _ = rows([piece("ab", 0), record("gh", 0, source="c")], 8)
    assert [drawn(row) for row in found] == ["aB!GH!__"]
    found, _ = rows([piece("ab", 0), piece("ef", 4)], 8)
    assert [drawn(row) for row in found] == ["aB!EF___"]
    found, _ = rows([record("gh", 0, source="a"), piece("ab", 0)], 8)
    assert [drawn(row) for row in found] == ["gH!AB___"]
