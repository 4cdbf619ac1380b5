"""What is said of a record is what `rows_of` makes of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, Segment
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.seen_records import SeenRecord, seen_records
from preprocessing.tokens.statistics import TokenStatistics
from preprocessing.tokens.vocabulary import load_vocabulary

BYTES = load_vocabulary("bytes")
CUT = TokenOptions(6, vocabulary="bytes", over_long="truncate_prompt", windows="off")
STREAM = TokenOptions(6, vocabulary="bytes", over_long="split", windows="contiguous")


def record(record_id: str, *texts: str, ids: tuple[int, ...] = ()) -> Record:
    """A story and what follows it: separator, target, separator, target. Or a text in ids."""
    segments = [
        Segment(text, is_target, (text,) if is_target else ())
        for place, text in enumerate(texts)
        for is_target in [place > 0 and place % 2 == 0]
    ]
    if len(texts) == 1:
        segments = [Segment(texts[0], in_loss=True)]
    if ids:
        segments = [Segment("", in_loss=True, ids=ids)]
    return Record(record_id, "file", len(record_id), "", "train", tuple(segments))


def seen(records: list[Record], options: TokenOptions = CUT) -> dict[str, SeenRecord]:
    wanted = [record.id for record in records]
    return {each.record.id: each for each in seen_records(records, wanted, BYTES, options)}


def drawn(found: SeenRecord) -> str:
    """The tokens, capitals in the loss; the end of text is a point, `!` in the loss."""
    return "".join(
        ".!"[loss] if i == 256 else chr(i).upper() if loss else chr(i)
        for i, loss in zip(found.ids.tolist(), found.in_loss.tolist(), strict=True)
    )


def test_a_record_that_fits_is_whole_and_names_its_row() -> None:
    found = seen([record("a", "st", "q", "t"), record("b", "s", "|", "u")])
    assert [drawn(found[name]) for name in "ab"] == ["stqT!", "s|U!"]
    assert [found[name].parts for name in "ab"] == [((0, 0, 0, 5),), ((1, 0, 0, 4),)]
    assert found["a"].left_out is None


def test_of_a_story_that_is_too_long_the_gap_is_told() -> None:
    found = seen([record("a", "abcdef", "|", "t")])["a"]
    assert drawn(found) == "abc|T!"
    assert found.left_out is not None
    assert (found.left_out.at, bytes(found.left_out.ids.tolist())) == (3, b"def")


def test_turns_that_are_gone_are_in_the_gap() -> None:
    found = seen([record("a", "abc", "pp", "qq", "r", "t")])["a"]
    assert drawn(found) == "abcrT!"
    assert found.left_out is not None
    assert (found.left_out.at, bytes(found.left_out.ids.tolist())) == (3, b"ppqq")


def test_of_a_record_in_no_row_the_reason_is_told() -> None:
    found = seen([record("a", "s", "|", "target"), record("b", ids=(7, 300))])
    assert [found[name].drop and found[name].drop.reason for name in "ab"] == [
        "target_too_long",
        "unknown_id",
    ]
    assert drawn(found["a"]) == "s|TARGET!"
    assert found["a"].parts == found["b"].parts == ()


def test_a_text_in_a_stream_is_in_each_row_that_it_reaches() -> None:
    found = seen([record("a", "abcd"), record("ab", "efg")], STREAM)
    assert [drawn(found[name]) for name in ("a", "ab")] == ["aBCD!", "EFG!"]
    assert found["a"].parts == ((0, 0, 0, 5),)
    assert found["ab"].parts == ((0, 5, 0, 1), (1, 0, 0, 4))


def test_only_what_is_wanted_is_given() -> None:
    shard = [record("a", "s", "|", "t"), record("b", "s", "|", "u")]
    assert [each.record.id for each in seen_records(shard, ["b"], BYTES, CUT)] == ["b"]


texts = st.text("abc", min_size=0, max_size=9)
shards = st.lists(st.lists(texts, min_size=1, max_size=5), max_size=6).map(
    lambda found: [record(f"r{place}", *each) for place, each in enumerate(found)]
)
ways = st.sampled_from(
    [
        CUT,
        STREAM,
        TokenOptions(7, False, "split", "bytes", "off"),
        TokenOptions(7, True, "split", "bytes", "off"),
        TokenOptions(8, True, "drop", "bytes", "off"),
    ]
)


@given(shards, ways)
def test_rows_are_made_of_nothing_but_the_parts(shard: list[Record], options: TokenOptions) -> None:
    rows = list(rows_of(shard, BYTES, options, TokenStatistics()))
    told = [np.zeros(options.sequence_length, bool) for _ in rows]
    for found in seen(shard, options).values():
        learned = np.zeros(len(found.ids), int)
        for row, offset, start, stop in found.parts:
            place = slice(offset, offset + stop - start)
            assert rows[row].input_ids[place].tolist() == found.ids[start:stop].tolist()
            assert not told[row][place].any()
            told[row][place] = True
            learned[start:stop] += rows[row].loss_mask[place]
        assert bool(found.parts) is (found.drop is None)
        if found.parts:
            assert learned.tolist() == found.in_loss.astype(int).tolist()
    for row, covered in zip(rows, told, strict=True):
        assert covered.tolist() == (row.segment_ids > 0).tolist()
