import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.records.examples import decode_example, encode_example

INT64 = st.integers(-(2**63), 2**63 - 1)
FEATURES = st.dictionaries(
    st.text(max_size=8),
    st.lists(st.binary(max_size=20), min_size=1) | st.lists(INT64, min_size=1),
    max_size=5,
)


@given(FEATURES)
def test_tensorflow_reads_what_we_write_and_we_read_what_it_writes(features):
    ours = encode_example(features)
    theirs = tf.train.Example()
    theirs.ParseFromString(ours)
    for name, values in features.items():
        feature = theirs.features.feature[name]
        assert list(getattr(feature, feature.WhichOneof("kind")).value) == values
    assert decode_example(theirs.SerializeToString()) == features


@given(FEATURES)
def test_the_order_of_the_features_does_not_change_the_bytes(features):
    backwards = dict(reversed(features.items()))
    assert encode_example(backwards) == encode_example(features)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_])
def test_an_array_of_integers_becomes_an_int64_list(dtype):
    example = tf.train.Example.FromString(encode_example({"a": np.array([0, 1, 1], dtype)}))
    assert list(example.features.feature["a"].int64_list.value) == [0, 1, 1]


def test_an_empty_array_keeps_its_kind_and_an_empty_list_has_none():
    example = tf.train.Example.FromString(encode_example({"i": np.zeros(0, np.int64), "none": []}))
    kinds = {name: f.WhichOneof("kind") for name, f in example.features.feature.items()}
    assert kinds == {"i": "int64_list", "none": None}


def test_tensorflow_parses_a_row_of_ours_into_tensors():
    row = encode_example({"ids": np.arange(5), "text": ["é".encode()]})
    parsed = tf.io.parse_single_example(
        row,
        {"ids": tf.io.FixedLenFeature([5], tf.int64), "text": tf.io.FixedLenFeature([], tf.string)},
    )
    assert parsed["ids"].numpy().tolist() == [0, 1, 2, 3, 4]
    assert parsed["text"].numpy().decode() == "é"


def test_values_that_the_format_cannot_hold_are_refused():
    for values in (["text"], [0.5], np.zeros((2, 2), int), np.zeros(2)):
        with pytest.raises(TypeError):
            encode_example({"a": values})


def test_floats_that_others_wrote_are_read():
    theirs = tf.train.Example()
    theirs.features.feature["a"].float_list.value.append(0.5)
    assert decode_example(theirs.SerializeToString()) == {"a": [0.5]}


def test_bytes_that_are_no_example_raise_value_error():
    with pytest.raises(ValueError, match=r"3 bytes are not a tf\.train\.Example"):
        decode_example(b"\xff\xff\xff")
