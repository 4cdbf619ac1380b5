"""The tokeniser in a graph equals the vocabulary's own, on every text."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preprocessing.tokens.in_graph_tokenizer import InGraphTokenizer
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary

# What the split pattern treats in ways of its own, so that random texts hit it often.
DELICATE = [
    *"   \n\n\t\r\v\f\x00\x1c\x85\u00a0\u2028\u3000\u200b",
    *"''''sdmtlvreSDaé中ǅ",
    *"19²Ⅷ½٣",
    *"!?.,-_\u0301\ufeff\ufffd\ufffe\ue000\U0010ffff🙂",
    *("'s", "'ll", "'ve", "'re", "'l", "'v", "👩‍👩‍👧", "<|endoftext|>"),
]


class Graph:
    """A tokeniser as the exported model uses it: compiled, for any number of texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        tokenizer = InGraphTokenizer(vocabulary)
        self._encode = tf.function(
            tokenizer.encode, input_signature=[tf.TensorSpec([None], tf.string)]
        )
        self._decode = tf.function(
            tokenizer.decode, input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)]
        )

    def encode(self, texts: Sequence[str | bytes]) -> list[list[int]]:
        ragged = self._encode(tf.constant(list(texts), tf.string))
        assert ragged.dtype == tf.int32
        ids: list[list[int]] = ragged.to_list()
        return ids

    def decode(self, ids: list[list[int]]) -> list[str]:
        flat = np.array([i for row in ids for i in row], dtype=np.int32)
        ragged = tf.RaggedTensor.from_row_lengths(flat, [len(row) for row in ids])
        return [text.decode("utf-8") for text in self._decode(ragged).numpy()]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(load_vocabulary("gpt2"))


@pytest.fixture(scope="module")
def byte_graph() -> Graph:
    return Graph(load_vocabulary("bytes"))


def assert_equal_to_vocabulary(graph: Graph, texts: Sequence[str]) -> None:
    ids = graph.encode(texts)
    assert ids == [graph.vocabulary.encode(text) for text in texts]
    assert graph.decode(ids) == list(texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(), max_size=8))
@example([])
@example([""])
@example(["", "a", "", " ", ""])
def test_any_texts_are_encoded_as_by_the_vocabulary(graph: Graph, texts: list[str]) -> None:
    assert_equal_to_vocabulary(graph, texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(DELICATE), max_size=20).map("".join), max_size=20))
@example(["it's", "''s", " 's", "'sx", "'s's", "'S", "'rest", "'l", "'", "a'", "'s", "\t's"])
@example([" a", "  a", "a  ", "a \n", " \n a", "\n\n1", "\ta", "a\u00a0b", "\u00a0\u00a0b", " "])
@example(["12a", "a1!", "²3", "é\u0301", "A\u200bB", "x <|endoftext|> y"])
def test_whitespace_apostrophes_and_numbers_are_encoded_as_by_the_vocabulary(
    graph: Graph, texts: list[str]
) -> None:
    assert_equal_to_vocabulary(graph, texts)


def test_every_character_is_encoded_as_by_the_vocabulary(graph: Graph) -> None:
    every = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    lines = ["".join(every[start : start + 64]) for start in range(0, len(every), 64)]
    # Between a letter and a number, the class of a character decides where it is cut.
    mixed = ["".join(f"a{character}1" for character in line) for line in lines]
    assert_equal_to_vocabulary(graph, lines)
    assert_equal_to_vocabulary(graph, mixed)


def test_every_token_is_encoded_to_its_id_and_decoded_to_its_text(graph: Graph) -> None:
    ranks = graph.vocabulary.mergeable_ranks
    assert graph.decode([[rank] for rank in ranks.values()]) == [
        token.decode("utf-8", errors="replace") for token in ranks
    ]
    # The others are parts of characters and occur in no text alone.
    texts = {token: rank for token, rank in ranks.items() if is_utf8(token)}
    assert len(texts) == 49_912
    assert graph.encode(list(texts)) == [[rank] for rank in texts.values()]


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_genuine_text_is_encoded_as_by_the_vocabulary(graph: Graph, genuine: Path) -> None:
    text = (genuine / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")[:100_000]
    assert_equal_to_vocabulary(graph, [text])
    assert_equal_to_vocabulary(graph, text.splitlines())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30))
@example(b"\xff")
@example(b"a\xc3")
@example(b"\xed\xa0\x80 surrogate")
@example(b"\xf0\x9f\x99 cut emoji")
@example(b"\xc0\xaf overlong \xf5\x80")
def test_what_is_not_utf8_is_read_as_replacement_characters(graph: Graph, data: bytes) -> None:
    text = data.decode("utf-8", errors="replace")
    assert graph.encode([data]) == [graph.vocabulary.encode(text)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50255), max_size=20))
@example([8582])  # the first bytes of an emoji
def test_any_ids_are_decoded_as_by_the_vocabulary(graph: Graph, ids: list[int]) -> None:
    assert graph.decode([ids]) == [graph.vocabulary.decode(ids)]


def test_the_end_of_text_id_decodes_to_nothing_and_its_characters_are_only_characters(
    graph: Graph,
) -> None:
    end = graph.vocabulary.end_of_text
    assert graph.decode([[15496, end], [end], []]) == ["Hello", "", ""]
    assert end not in graph.encode(["<|endoftext|>"])[0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(), max_size=5))
def test_bytes_are_encoded_as_by_the_vocabulary(byte_graph: Graph, texts: list[str]) -> None:
    assert_equal_to_vocabulary(byte_graph, texts)


def test_a_long_run_of_one_character_is_encoded_as_by_the_vocabulary(graph: Graph) -> None:
    assert_equal_to_vocabulary(graph, [" " * 5000, "a" * 5000 + "\n" * 300 + "b", "'" * 999])


READER = """
import sys
import tensorflow as tf
import tensorflow_text

model = tf.saved_model.load(sys.argv[1])
texts = tf.constant(sys.argv[2:])
ids = model.encode(texts)
assert not any(name.startswith("preprocessing") for name in sys.modules)
assert [text.decode() for text in model.decode(ids).numpy()] == sys.argv[2:]
sys.stdout.write(repr(ids.to_list()))
"""


def test_a_saved_model_works_in_a_process_with_only_tensorflow_and_tensorflow_text(
    graph: Graph, tmp_path: Path
) -> None:
    module = tf.Module()
    module.tokenizer = InGraphTokenizer(graph.vocabulary)
    module.encode = tf.function(
        module.tokenizer.encode, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    module.decode = tf.function(
        module.tokenizer.decode, input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)]
    )
    tf.saved_model.save(module, str(tmp_path / "model"))
    texts = ["Hello world", "", "it's  2 \n\n late 🙂"]
    output = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path / "model"), *texts],
        cwd=tmp_path,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    assert output == repr([graph.vocabulary.encode(text) for text in texts])


def test_int64_ids_are_decoded_too(graph: Graph) -> None:
    ids = tf.RaggedTensor.from_row_lengths(np.array([15496, 995], np.int64), [2])
    assert InGraphTokenizer(graph.vocabulary).decode(ids).numpy().tolist() == [b"Hello world"]
