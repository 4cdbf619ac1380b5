"""From records to sequences: where the loss is, and what becomes of long records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.options import OverLong
from preprocessing.records.record import Drop, Record, Segment
from preprocessing.tokens.sequences import (
    TokenizedRecord,
    TokenSequence,
    fit,
    stream_of,
)
from preprocessing.tokens.sequences import tokenize_record as tokenize
from preprocessing.tokens.vocabulary import load_vocabulary

BYTES = load_vocabulary("bytes")  # one token a letter, so that tests can be read


def record(*segments: Segment) -> TokenizedRecord:
    return tokenize(Record("id", "file", 0, "", "train", segments), BYTES)


def prompt(text: str, in_loss: bool = False) -> Segment:
    return Segment(text, in_loss)


def target(text: str) -> Segment:
    return Segment(text, True, (text,))


def fitted(tokenized: TokenizedRecord, length: int, over_long: OverLong) -> TokenSequence:
    result = fit(tokenized, length, over_long)
    assert isinstance(result, TokenSequence), result
    return result


def drawn(sequence: TokenSequence) -> str:
    """Letters, capitals in the loss; the end of text is a point, `!` in the loss."""
    plain = {BYTES.end_of_text: "."}
    in_loss = {BYTES.end_of_text: "!"}
    return "".join(
        in_loss.get(i, chr(i).upper()) if loss else plain.get(i, chr(i))
        for i, loss in zip(sequence.ids.tolist(), sequence.loss.tolist(), strict=True)
    )


def rows(tokenized: TokenizedRecord, length: int, over_long: OverLong) -> list[str]:
    return [drawn(fitted(tokenized, length, over_long))]


def conversation() -> TokenizedRecord:
    turns = [prompt("qq"), target("tt"), prompt("rr"), target("uu"), prompt("vv"), target("ww")]
    return record(prompt("aaaaa"), *turns)


def test_the_end_of_text_is_in_the_loss_if_the_last_segment_is() -> None:
    assert rows(record(prompt("as"), target("tt")), 9, "drop") == ["asTT!"]
    assert rows(record(target("tt"), prompt("as")), 9, "drop") == ["tTas."]


def test_the_first_token_is_never_in_the_loss() -> None:
    assert rows(record(prompt("text", in_loss=True)), 9, "drop") == ["tEXT!"]


def test_each_segment_is_tokenised_by_itself() -> None:
    gpt2 = load_vocabulary("gpt2")
    segments = (prompt("Hello"), target("s world"))
    tokenized = tokenize(Record("id", "file", 0, "", "train", segments), gpt2)
    assert [segment.ids.tolist() for segment in tokenized.segments] == [
        gpt2.encode("Hello"),
        [*gpt2.encode("s world"), gpt2.end_of_text],
    ]


@pytest.mark.parametrize("over_long", ["truncate_prompt", "drop", "split"])
def test_a_record_that_just_fits_stays_whole(over_long: OverLong) -> None:
    assert rows(record(prompt("aas"), target("tt")), 6, over_long) == ["aasTT!"]


def test_drop_names_the_record_and_its_length() -> None:
    assert fit(record(prompt("aaas"), target("tt")), 6, "drop") == Drop(
        "too_long", "file", "id", "7 tokens, more than 6"
    )


def test_truncation_cuts_the_end_of_the_article_and_keeps_separator_and_target() -> None:
    long = record(prompt("abcdef"), prompt("s"), target("tt"))
    assert rows(long, 6, "truncate_prompt") == ["absTT!"]


def test_truncation_may_take_the_whole_article() -> None:
    assert rows(record(prompt("abc"), prompt("ss"), target("ttt")), 6, "truncate_prompt") == [
        "ssTTT!"
    ]


def test_truncation_spares_a_separator_that_is_longer_than_the_article() -> None:
    assert rows(record(prompt("ab"), prompt("sss"), target("tt")), 7, "truncate_prompt") == [
        "asssTT!"
    ]


def test_truncation_is_the_same_with_the_article_in_the_loss() -> None:
    long = record(prompt("abcdef", in_loss=True), prompt("s", in_loss=True), target("tt"))
    assert rows(long, 6, "truncate_prompt") == ["aBSTT!"]


def test_truncation_cuts_a_prompt_without_separator() -> None:
    assert rows(record(prompt("abcdef"), target("tt")), 6, "truncate_prompt") == ["abcTT!"]


def test_truncation_cuts_the_longest_of_several_leading_segments() -> None:
    long = record(prompt("h"), prompt("abcdef"), prompt("i"), prompt("s"), target("tt"))
    assert rows(long, 8, "truncate_prompt") == ["habisTT!"]


def test_a_target_that_does_not_fit_drops_the_record() -> None:
    drop = fit(record(prompt("aaa"), prompt("s"), target("ttttt")), 6, "truncate_prompt")
    assert isinstance(drop, Drop)
    assert drop.reason == "target_too_long"


@pytest.mark.parametrize("only", [prompt("ttttttt", in_loss=True), target("ttttttt")])
def test_a_long_text_that_is_all_target_cannot_be_truncated(only: Segment) -> None:
    drop = fit(record(only), 6, "truncate_prompt")
    assert isinstance(drop, Drop)
    assert drop.reason == "target_too_long"


@pytest.mark.parametrize(
    ("length", "row"),
    [
        (18, "aaaaaqqTTrrUUvvWW!"),
        (17, "aaaaqqTTrrUUvvWW!"),
        (13, "qqTTrrUUvvWW!"),
        (12, "aaarrUUvvWW!"),  # the oldest turn gone, its room given to the story
        (9, "rrUUvvWW!"),
        (8, "aaavvWW!"),
        (5, "vvWW!"),
    ],
)
def test_a_conversation_loses_its_story_then_its_oldest_turns(length: int, row: str) -> None:
    assert rows(conversation(), length, "truncate_prompt") == [row]


def test_a_conversation_whose_last_turn_does_not_fit_is_dropped() -> None:
    drop = fit(conversation(), 4, "truncate_prompt")
    assert isinstance(drop, Drop)
    assert drop.reason == "target_too_long"


def test_split_leaves_an_over_long_record_whole_for_the_packing_to_cut() -> None:
    long = record(prompt("abcdefgh", in_loss=True))
    assert rows(long, 6, "split") == ["aBCDEFGH!"]


@pytest.mark.parametrize("segments", [(), (prompt("", True),), (prompt("abc"),)])
def test_a_record_without_anything_to_predict_is_dropped(segments: tuple[Segment, ...]) -> None:
    drop = fit(record(*segments), 6, "drop")
    assert isinstance(drop, Drop)
    assert drop.reason == "no_target"


@given(
    st.integers(2, 20),
    st.text("ab", min_size=1, max_size=20),
    st.lists(st.tuples(st.sampled_from("qrs"), st.text("t", min_size=1, max_size=6)), min_size=1),
)
def test_truncation_keeps_the_most_turns_and_then_the_most_of_the_story(
    length: int, story: str, turns: list[tuple[str, str]]
) -> None:
    segments = [segment for q, t in turns for segment in (prompt(q), target(t))]
    result = fit(record(prompt(story), *segments), length, "truncate_prompt")
    endings = ["".join(q + t for q, t in turns[oldest:]) + "." for oldest in range(len(turns))]
    ending = next((text for text in endings if len(text) <= length), None)
    if ending is None:
        assert isinstance(result, Drop)
        assert result.reason == "target_too_long"
    else:
        assert isinstance(result, TokenSequence)
        expected = story[: length - len(ending)] + ending
        assert drawn(result).lower().replace("!", ".") == expected


@given(
    st.text("aZ .,'é日\u0301\n\u00a05", max_size=300),
    st.text("bQ s", max_size=9),
    st.sampled_from(["gpt2", "bytes"]),
    st.integers(2, 40),
)
def test_what_no_row_can_hold_need_not_be_known(
    story: str, summary: str, vocabulary: str, length: int
) -> None:
    segments = (prompt(story * 3), prompt("\nTL;DR:\n"), target(summary))
    document = Record("id", "file", 0, "", "train", segments)
    whole, start = (
        fit(tokenize(document, load_vocabulary(vocabulary), room=room), length, "truncate_prompt")
        for room in (None, length)
    )
    if isinstance(whole, TokenSequence) and isinstance(start, TokenSequence):
        assert start.ids.tolist() == whole.ids.tolist()
        assert start.loss.tolist() == whole.loss.tolist()
    else:
        assert whole == start


def test_a_stream_is_predicted_but_for_its_very_first_token() -> None:
    (stream,) = stream_of([record(prompt("ab", in_loss=True)), record(prompt("q"), target("tt"))])
    assert drawn(stream) == "aB!qTT!"
