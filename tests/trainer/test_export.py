"""The exported model: signatures that agree with the model, and equal bytes for equal models."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from preprocessing.base.errors import InputError
from preprocessing.tokens.in_graph_tokenizer import InGraphTokenizer
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.trainer.random_models import SMALL, random_model
from trainer.export import export
from trainer.export_layout import SIGNATURES, write_sampling_defaults
from trainer.generation import CachedModel, Request, Writer, generate
from trainer.gpt2 import GPT2, GPT2Config
from trainer.options import GenerationOptions

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(vocabulary_size=BYTES.size, context=32, width=32, heads=4, layers=1)
OPTIONS = GenerationOptions(max_new_tokens=6, top_p=0.9)
NO_SEARCH = {
    "repetition_penalty": tf.constant(1.0),
    "beams": tf.constant(1),
    "length_penalty": tf.constant(1.0),
    "stop": tf.constant([], tf.string),
}
Signature = Callable[..., dict[str, tf.Tensor]]


@pytest.fixture(scope="module")
def model() -> GPT2:
    return random_model(CONFIG, seed=1)


@pytest.fixture(scope="module")
def folder(model: GPT2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the model."""
    folder = tmp_path_factory.mktemp("export") / "model"
    export(model, BYTES, OPTIONS, folder)
    return folder


@pytest.fixture(scope="module")
def signatures(folder: Path) -> dict[str, Signature]:
    """The signatures of the loaded export, which live as long as it does."""
    loaded = tf.saved_model.load(str(folder))
    return {"loaded": loaded, **loaded.signatures}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_export_has_the_agreed_signatures(signatures: dict[str, Signature]) -> None:
    assert set(signatures) == {"loaded", *SIGNATURES}
    specs = signatures["generate"].structured_input_signature[1]  # type: ignore[attr-defined]
    assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in specs.items()} == {
        "prompts": ([None], tf.string),
        "max_new_tokens": ([], tf.int32),
        "temperature": ([], tf.float32),
        "top_k": ([], tf.int32),
        "top_p": ([], tf.float32),
        "repetition_penalty": ([], tf.float32),
        "beams": ([], tf.int32),
        "length_penalty": ([], tf.float32),
        "stop": ([None], tf.string),
        "seeds": ([None, 2], tf.int64),
    }


def test_the_metadata_describes_the_model(folder: Path) -> None:
    assert json.loads((folder / "assets.extra" / "gpt2.json").read_text()) == {
        "config": asdict(CONFIG),
        "precision": "float32",
        "vocabulary": "bytes",
        "vocabulary_digest": BYTES.digest,
    }


def test_generate_gives_the_text_of_the_tokens_of_the_model(
    model: GPT2, signatures: dict[str, Signature]
) -> None:
    prompts = ["Hello", "", "A longer prompt"]
    seeds = tf.constant([[5, 0], [5, 1], [5, 2]], tf.int64)
    expected = generate(
        Writer(CachedModel(model), InGraphTokenizer(BYTES).token_bytes(), BYTES.end_of_text),
        tf.ragged.constant([BYTES.encode(prompt) for prompt in prompts], dtype=tf.int32),
        Request(9, 0.8, 50, 0.95, stop=tf.constant([], tf.string)),
        seeds=seeds,
    )
    found = signatures["generate"](
        prompts=tf.constant(prompts),
        max_new_tokens=tf.constant(9),
        temperature=tf.constant(0.8),
        top_k=tf.constant(50),
        top_p=tf.constant(0.95),
        **NO_SEARCH,
        seeds=seeds,
    )
    np.testing.assert_array_equal(found["tokens"], expected.counts)
    np.testing.assert_array_equal(found["finished"], expected.finished)
    for row, completion in enumerate(found["completions"].numpy()):
        ids = expected.ids[row].numpy()[: expected.counts[row]]
        assert completion.decode() == BYTES.decode(ids)


def test_serving_default_generates_with_the_options_of_the_export(
    signatures: dict[str, Signature],
) -> None:
    prompts = tf.constant(["Hello", "Good morning"])
    expected = signatures["generate"](
        prompts=prompts,
        max_new_tokens=tf.constant(OPTIONS.max_new_tokens),
        temperature=tf.constant(OPTIONS.temperature),
        top_k=tf.constant(OPTIONS.top_k),
        top_p=tf.constant(OPTIONS.top_p),
        **NO_SEARCH,
        seeds=tf.constant([[0, 0], [0, 1]], tf.int64),
    )
    found = signatures["serving_default"](prompts=prompts)
    np.testing.assert_array_equal(found["completions"], expected["completions"])


def test_serving_default_reads_other_defaults_without_another_export(
    folder: Path, signatures: dict[str, Signature], tmp_path: Path
) -> None:
    """Two versions of one model side by side, each with its own defaults, as a server holds them."""
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    write_sampling_defaults(other, GenerationOptions(max_new_tokens=2, temperature=0.0))
    prompts = tf.constant(["Hello", "Good morning"])
    before = signatures["serving_default"](prompts=prompts)["completions"]
    second = tf.saved_model.load(str(other))
    greedy = second.signatures["generate"](
        prompts=prompts,
        max_new_tokens=tf.constant(2),
        temperature=tf.constant(0.0),
        top_k=tf.constant(0),
        top_p=tf.constant(1.0),
        **NO_SEARCH,
        seeds=tf.constant([[0, 0], [0, 1]], tf.int64),
    )
    found = second.signatures["serving_default"](prompts=prompts)
    np.testing.assert_array_equal(found["completions"], greedy["completions"])
    again = signatures["serving_default"](prompts=prompts)["completions"]
    np.testing.assert_array_equal(again, before)
    changed = {name for name, digest in digests(other).items() if digest != digests(folder)[name]}
    assert changed == {"assets/sampling_defaults.txt"}


def test_a_vocabulary_of_a_folder_leaves_no_path_in_the_export(tmp_path: Path) -> None:
    """So that equal vocabularies in two places make equal models."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = [*map(chr, printing), *(chr(256 + place) for place in range(256 - len(printing)))]
    encoder = {token: place for place, token in enumerate([*characters, "<|endoftext|>"])}
    (tmp_path / "encoder.json").write_text(json.dumps(encoder))
    (tmp_path / "vocab.bpe").write_text("#version: 0.2\n")
    export(
        random_model(CONFIG, seed=1), load_vocabulary(str(tmp_path)), OPTIONS, tmp_path / "model"
    )
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert [path for path in files if tmp_path.name.encode() in path.read_bytes()] == []


def log_probability(model: GPT2, ids: list[int]) -> float:
    logits = model(tf.constant([ids]))[0, :-1]
    return float(tf.reduce_sum(tf.gather(tf.nn.log_softmax(logits), ids[1:], batch_dims=1)))


def test_score_sums_the_log_probabilities_of_the_tokens_from_the_second_on(
    model: GPT2, signatures: dict[str, Signature]
) -> None:
    texts = ["Hello there", "x", "", "Good"]
    found = signatures["score"](texts=tf.constant(texts))
    assert found["tokens"].numpy().tolist() == [10, 0, 0, 3]
    expected = [log_probability(model, BYTES.encode(text)) if text[1:] else 0.0 for text in texts]
    np.testing.assert_allclose(found["log_probabilities"], expected, rtol=1e-5)


def test_score_takes_what_the_context_holds_and_says_so(
    model: GPT2, signatures: dict[str, Signature]
) -> None:
    text = "abcdefgh" * 10
    found = signatures["score"](texts=tf.constant([text]))
    assert found["tokens"].numpy().tolist() == [CONFIG.context - 1]
    expected = log_probability(model, BYTES.encode(text[: CONFIG.context]))
    np.testing.assert_allclose(found["log_probabilities"], [expected], rtol=1e-5)


def test_score_rows_scores_each_segment_as_if_alone(
    model: GPT2, signatures: dict[str, Signature]
) -> None:
    first, second = BYTES.encode("Hello"), BYTES.encode("you")
    found = signatures["score_rows"](
        input_ids=tf.constant([first + second + [0, 0]], tf.int64),
        segment_ids=tf.constant([[1] * 5 + [2] * 3 + [0, 0]], tf.int64),
        positions=tf.constant([[0, 1, 2, 3, 4, 0, 1, 2, 0, 0]], tf.int64),
    )["log_probabilities"].numpy()[0]
    assert found.shape == (9,)
    assert found[:4].sum() == pytest.approx(log_probability(model, first), rel=1e-5)
    assert found[5:7].sum() == pytest.approx(log_probability(model, second), rel=1e-5)
    assert found[[4, 7, 8]].tolist() == [0, 0, 0]


def test_tokenize_gives_ids_and_their_number(signatures: dict[str, Signature]) -> None:
    found = signatures["tokenize"](texts=tf.constant(["abc", ""]))
    end = BYTES.end_of_text
    assert found["tokens"].numpy().tolist() == [3, 0]
    assert found["input_ids"].numpy().tolist() == [BYTES.encode("abc"), [end] * 3]


def test_equal_models_give_equal_bytes_whatever_was_done_before(
    folder: Path, tmp_path: Path
) -> None:
    # graphs and variables made in between are what TensorFlow's own numbering depends on
    tf.function(lambda x: tf.while_loop(lambda i: i < 3, lambda i: i + 1, [x]))(tf.constant(0))
    export(random_model(CONFIG, seed=1), BYTES, OPTIONS, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(folder)
    assert "fingerprint.pb" not in digests(folder)


@pytest.mark.long
def test_equal_models_in_half_precision_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        model = GPT2(CONFIG, seed=1, precision="bfloat16")
        export(model, BYTES, OPTIONS, tmp_path / name)
    assert digests(tmp_path / "first") == digests(tmp_path / "second")


def test_a_deeper_model_has_no_more_products_in_its_graph(folder: Path, tmp_path: Path) -> None:
    """A graph holds a block once, however many layers call it."""
    export(random_model(replace(CONFIG, layers=3), seed=1), BYTES, OPTIONS, tmp_path)
    assert count_operations(tmp_path, "MatMul") == count_operations(folder, "MatMul") > 0


def test_texts_are_cut_at_one_place_of_the_graph(folder: Path) -> None:
    """A graph holds that once, however many signatures take texts."""
    assert count_operations(folder, "UnicodeDecode") == 1


def count_operations(folder: Path, kind: str) -> int:
    """How many nodes of a kind are in the functions of a SavedModel."""
    saved_model = SavedModel()
    saved_model.ParseFromString((folder / "saved_model.pb").read_bytes())
    functions = saved_model.meta_graphs[0].graph_def.library.function
    return sum(node.op == kind for function in functions for node in function.node_def)


def test_other_weights_give_other_bytes_of_the_variables_alone(
    folder: Path, tmp_path: Path
) -> None:
    export(random_model(CONFIG, seed=2), BYTES, OPTIONS, tmp_path / "other")
    first, second = digests(folder), digests(tmp_path / "other")
    changed = {name for name in first if first[name] != second[name]}
    assert "variables/variables.data-00000-of-00001" in changed
    assert all(name.startswith("variables/") for name in changed)


def test_a_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bytes has 257 ids and the model 61"):
        export(random_model(SMALL, seed=1), BYTES, OPTIONS, tmp_path)
