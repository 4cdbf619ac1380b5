"""What is evaluated: records and rows of a split, and prompts cut as the Tokenizer cuts records."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.evaluation_inputs import (
    fitting_prompt,
    read_split_records,
    read_split_rows,
    token_rows,
)
from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, record_to_example
from preprocessing.records.tfrecords import tfrecords_of
from preprocessing.tokens.job import ShardTask, tokenize_shard
from preprocessing.tokens.rows import FEATURES
from preprocessing.tokens.sequences import TokenSequence, fit, tokenize_record
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.components.fakes import conversation_record, news_record

BYTES = load_vocabulary("bytes")
GPT2 = load_vocabulary("gpt2")


def write_shard(path: Path, *records: Record) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(tfrecords_of(map(record_to_example, records)))
    return path


def test_the_records_of_a_split_come_from_all_its_shards_in_order_of_id(tmp_path: Path) -> None:
    records = [news_record(number) for number in range(4)]
    write_shard(tmp_path / "Split-test" / "records-00000-of-00002.tfrecord", records[1], records[3])
    write_shard(tmp_path / "Split-test" / "records-00001-of-00002.tfrecord", records[0], records[2])
    write_shard(tmp_path / "Split-train" / "records-00000-of-00002.tfrecord", news_record(9))
    assert read_split_records(tmp_path, "test") == records
    assert read_split_records(tmp_path, "validation") == []


def test_what_a_dead_worker_left_unfinished_is_not_read(tmp_path: Path) -> None:
    record = news_record()
    shard = write_shard(tmp_path / "Split-test" / "records-00000-of-00001.tfrecord", record)
    (shard.parent / f"{shard.name}.0123abcd.unfinished").write_bytes(b"half a record")
    (shard.parent / f".{shard.name}.0123abcd").write_bytes(b"half a record")
    (shard.parent / ".rows-00000-of-00001.tfrecord.0123abcd").write_bytes(b"half a row")
    assert read_split_records(tmp_path, "test") == [record]
    assert read_split_rows(tmp_path, "test") == []


@pytest.mark.parametrize("packing", [True, False])
def test_token_rows_are_those_that_the_tokenizer_writes(tmp_path: Path, packing: bool) -> None:
    options = TokenOptions(48, packing, "truncate_prompt", vocabulary="bytes")
    records = [
        news_record(0),
        news_record(1, article="An article that is longer than a row has room for. " * 2),
        news_record(2, summary="A summary that is alone longer than a whole row and is dropped."),
        news_record(3, article="Short."),
    ]
    shard = write_shard(tmp_path / "records.tfrecord", *records)
    written = tmp_path / "Split-test" / "rows-00000-of-00001.tfrecord"
    written.parent.mkdir()
    statistics = tokenize_shard(
        ShardTask("test", str(shard), str(written), shard.stat().st_size),
        options,
    )
    assert list(statistics.drops.by_reason) == ["target_too_long"]
    rows = token_rows(records, BYTES, options)
    expected = read_split_rows(tmp_path, "test")
    assert len(rows) == len(expected) > 0
    for ours, theirs in zip(rows, expected, strict=True):
        for name in FEATURES:
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_a_prompt_that_fits_is_whole() -> None:
    segments = news_record(article="An article.").segments[:2]
    assert fitting_prompt(segments, BYTES, room=19) == "An article.\nTL;DR:\n"


def test_a_prompt_is_cut_at_the_end_of_the_article_and_keeps_the_separator() -> None:
    segments = news_record(article="An article.").segments[:2]
    assert fitting_prompt(segments, BYTES, room=18) == "An article\nTL;DR:\n"
    assert fitting_prompt(segments, BYTES, room=8) == "\nTL;DR:\n"


def test_a_cut_inside_a_character_leaves_no_half_of_it() -> None:
    segments = news_record(article="Zwölf €").segments[:2]
    cuts = {fitting_prompt(segments, BYTES, room=8 + left) for left in range(11)}
    articles = {cut.removesuffix("\nTL;DR:\n") for cut in cuts}
    assert articles == {"Zwölf €"[:end] for end in range(8)}


def test_the_oldest_turns_go_where_the_history_alone_is_too_long() -> None:
    record = conversation_record(("one?", "1"), ("two?", "2"), ("three?", "3"))
    history = " Q: two?\n A: 2\n Q: three?\n A:"
    prompt = record.segments[:6]
    assert fitting_prompt(prompt, BYTES, room=len(history) + 3) == f"A s{history}"
    assert fitting_prompt(prompt, BYTES, room=len(history) - 1) == "A story. Q: three?\n A:"


def test_a_question_too_long_for_the_room_is_left_to_the_model() -> None:
    record = conversation_record(("one?", "1"), ("two?", "2"))
    assert fitting_prompt(record.segments[:4], BYTES, room=3) == " Q: two?\n A:"


TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
ASCII = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(TEXT, st.integers(4, 40))
def test_a_cut_prompt_fits_in_gpt2_tokens_and_begins_like_the_article(
    article: str, room: int
) -> None:
    segments = news_record(article=article).segments[:2]
    room += len(GPT2.encode(segments[1].text))
    prompt = fitting_prompt(segments, GPT2, room)
    assert prompt.endswith("\nTL;DR:\n")
    assert article.startswith(prompt.removesuffix("\nTL;DR:\n"))
    assert len(GPT2.encode(prompt)) <= room


@settings(max_examples=60, deadline=None)
@given(ASCII, st.lists(st.tuples(ASCII, ASCII), min_size=1, max_size=4), st.data())
def test_a_model_is_asked_as_the_tokenizer_taught_it(
    story: str, turns: list[tuple[str, str]], data: st.DataObject
) -> None:
    record = conversation_record(*turns, story=story)
    *prompt, target = record.segments
    question = prompt[-1]
    room = data.draw(st.integers(len(question.text), sum(len(s.text) for s in prompt)))
    taught = fit(
        tokenize_record(record, BYTES), room + len(target.text) + 1, over_long="truncate_prompt"
    )
    assert isinstance(taught, TokenSequence)
    text = fitting_prompt(prompt, BYTES, room)
    assert BYTES.decode(taught.ids.tolist()) == f"{text}{target.text}<|endoftext|>"
