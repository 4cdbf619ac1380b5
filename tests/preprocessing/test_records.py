from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.records.examples import decode_example, encode_example
from preprocessing.records.record import (
    SPLITS,
    Record,
    Segment,
    assign_split,
    example_to_record,
    record_seed,
    record_to_example,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SEGMENTS = st.builds(Segment, TEXT, st.booleans(), st.lists(TEXT, max_size=3).map(tuple))
RECORDS = st.builds(
    Record,
    id=TEXT,
    source=TEXT,
    position=st.integers(0, 2**62),
    digest=TEXT,
    split=st.sampled_from(SPLITS),
    segments=st.lists(SEGMENTS, max_size=5).map(tuple),
    domain=TEXT,
)


@given(RECORDS)
def test_a_record_comes_back_from_its_example(record):
    assert example_to_record(record_to_example(record)) == record


def record_of(*segments: Segment) -> Record:
    return Record("id", "file", 0, "digest", "train", segments)


def test_characters_count_as_target_in_segments_with_references():
    features = decode_example(
        record_to_example(
            record_of(Segment("12345", False), Segment("678", True, ("678",)), Segment("9", True))
        )
    )
    assert features["prompt_characters"] == [6]
    assert features["target_characters"] == [3]


def test_without_references_all_characters_are_target():
    features = decode_example(record_to_example(record_of(Segment("1234", True))))
    assert features["prompt_characters"] == [0]
    assert features["target_characters"] == [4]


def test_replacement_characters_are_counted():
    record = record_of(Segment("a\ufffd", False), Segment("\ufffd\ufffd", True))
    assert decode_example(record_to_example(record))["replacement_characters"] == [3]


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"text": [b"a"], "in_loss": [1], "reference_counts": [1]},
        {"text": [b"a", b"b"], "in_loss": [1], "reference_counts": [0]},
    ],
)
def test_an_example_that_is_no_record_raises_value_error(features):
    with pytest.raises(ValueError, match="not a record, its features are"):
        example_to_record(encode_example(features))


def test_splits_follow_the_fractions_and_depend_on_the_id_and_the_seed_only():
    ids = [f"record {number}" for number in range(4000)]
    splits = {record_id: assign_split(record_id, (0.2, 0.1), seed=1) for record_id in ids}
    counts = Counter(splits.values())
    assert counts["validation"] == pytest.approx(800, abs=100)
    assert counts["test"] == pytest.approx(400, abs=80)
    assert all(assign_split(i, (0.2, 0.1), seed=1) == split for i, split in splits.items())
    assert any(assign_split(i, (0.2, 0.1), seed=2) != split for i, split in splits.items())


def test_fractions_of_zero_and_one_are_exact():
    ids = [f"record {number}" for number in range(200)]
    assert {assign_split(i, (0.0, 0.0), 0) for i in ids} == {"train"}
    assert {assign_split(i, (1.0, 0.0), 0) for i in ids} == {"validation"}
    assert {assign_split(i, (0.0, 1.0), 0) for i in ids} == {"test"}


def test_each_record_draws_with_a_seed_of_its_own():
    seeds = {record_seed(seed, record_id) for seed in (0, 1) for record_id in ("a", "b")}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**64 for seed in seeds)
