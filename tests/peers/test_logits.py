"""transformers reads what we convert and gives our logits, for every shape."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.conversion import convert
from preprocessing.tokens.packing import pack
from preprocessing.tokens.rows import Row
from preprocessing.tokens.sequences import TokenSequence
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from tests.peers.conftest import RunPeer
from tests.trainer.train_steps import train_here
from trainer.config import SIZES, GPT2Config
from trainer.data import TokenRows
from trainer.export import export
from trainer.gpt2 import GPT2, Precision
from trainer.options import GenerationOptions, TrainingOptions
from trainer.weights import tensors
from trainer.weights.openai import write_openai

pytestmark = pytest.mark.long

# Norms and biases are random too; the float32 logits of such a model are about 1.
TOLERANCE = 1e-4
TEXTS = [
    "The bridge over the river opened in 1932.",
    " It isn't  new:\n\n\tcafé, naïve, 東京, 🙂 — “quoted”.",
    "a",
]


def random_gpt2(config: GPT2Config, seed: int) -> GPT2:
    """GPT-2's initial weights with norms and biases off 1 and 0: every part moves the logits."""
    model = GPT2(config, seed=seed)
    random = np.random.default_rng(seed)
    for name, variable in model.by_name.items():
        if name.endswith(("/g", "/b")):
            variable.assign_add(random.normal(0, 0.1, variable.shape).astype(np.float32))
    return model


def texts_for(vocabulary: Vocabulary, length: int) -> list[str]:
    """The short texts, and one that fills most of a row."""
    line = "It rained on bridge {}.\n"
    lines = length // (len(vocabulary.encode(line.format(100))) + 1)
    return [*TEXTS, "".join(line.format(number) for number in range(lines))]


def sequences_of(texts: Sequence[str], vocabulary: Vocabulary) -> list[TokenSequence]:
    ids = [np.array([*vocabulary.encode(text), vocabulary.end_of_text]) for text in texts]
    return [TokenSequence(of_text, np.ones(len(of_text), bool)) for of_text in ids]


def our_logits(
    model: GPT2, sequences: Sequence[TokenSequence], length: int, packing: bool
) -> list[np.ndarray]:
    """The logits [n, V] of each sequence, cut out of the rows that the pipeline makes of them."""
    rows = pack(sequences, length, padding_id=model.config.vocabulary_size - 1, packing=packing)
    found = [part for row in rows for part in _of_row(model, row)]
    # packing can change the order, and no two sequences are equal
    places = {ids.tobytes(): logits for ids, logits in found}
    return [places[sequence.ids.astype(np.int64).tobytes()] for sequence in sequences]


def _of_row(model: GPT2, row: Row) -> list[tuple[np.ndarray, np.ndarray]]:
    ids, segments, positions = (
        np.asarray(values, np.int32)[np.newaxis]
        for values in (row.input_ids, row.segment_ids, row.positions)
    )
    logits = model(ids, segments, positions).numpy()
    inside = [segments == segment for segment in range(1, segments.max() + 1)]
    return [(ids[mask].astype(np.int64), logits[mask]) for mask in inside]


def their_logits(run_peer: RunPeer, folder: Path, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """By `programs/logits.py`."""
    request, results = folder.parent / "request.json", folder.parent / "results.npz"
    request.write_text(json.dumps({"texts": texts, "dtypes": ["float32", "bfloat16"]}))
    run_peer("logits.py", folder, request, results)
    with np.load(results) as found:
        return dict(found)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("size", "vocabulary_name", "length"),
    [
        ("tiny", "bytes", 512),
        ("tiny", "gpt2", 512),
        ("124M", "gpt2", 1024),
        ("355M", "gpt2", 64),
        ("774M", "gpt2", 64),
        ("1558M", "gpt2", 64),
    ],
)
def test_converted_weights_give_our_logits_in_transformers(
    size: str, vocabulary_name: str, length: int, folder: Path, run_peer: RunPeer
) -> None:
    vocabulary = load_vocabulary(vocabulary_name)
    config = GPT2Config(**(vars(SIZES[size]) | {"vocabulary_size": vocabulary.size}))
    texts = texts_for(vocabulary, length)
    sequences = sequences_of(texts, vocabulary)
    model = random_gpt2(config, seed=5)
    ours: dict[tuple[Precision, bool], list[np.ndarray]] = {}
    for precision in ("float32", "bfloat16"):
        model.precision = precision
        for packing in (True, False):
            ours[precision, packing] = our_logits(model, sequences, length, packing)
    write_openai(folder / "openai", config, model.by_name)
    del model  # 1558M takes 6.2 GB
    convert(folder / "openai", folder / "hf", "huggingface", vocabulary, GenerationOptions())
    pairs = zip(
        tensors(folder / "openai", config),
        tensors(folder / "hf", config),
        strict=True,
    )
    for (name, value), (their_name, their_value) in pairs:
        assert name == their_name
        assert value.tobytes() == their_value.tobytes(), name

    theirs = their_logits(run_peer, folder / "hf", texts)

    for number, sequence in enumerate(sequences):
        assert theirs[f"ids/{number}"].tolist() == sequence.ids.tolist()
        exact, rounded = theirs[f"float32/{number}"], theirs[f"bfloat16/{number}"]
        for packing in (True, False):
            np.testing.assert_allclose(
                ours["float32", packing][number], exact, rtol=0, atol=TOLERANCE
            )
            # not much farther off than theirs: what separates them is where each rounds
            error = rms(ours["bfloat16", packing][number] - exact)
            assert 0 < error < 1.5 * rms(rounded - exact)


def test_a_model_that_we_trained_and_exported_gives_its_logits_in_transformers(
    folder: Path, run_peer: RunPeer
) -> None:
    vocabulary = load_vocabulary()
    texts = texts_for(vocabulary, 256)
    sequences = sequences_of(texts, vocabulary)
    packed = list(pack(sequences, 256, vocabulary.end_of_text))
    features = ("input_ids", "loss_mask", "segment_ids", "positions")
    rows = TokenRows({name: np.stack([getattr(row, name) for row in packed]) for name in features})
    model = GPT2(SIZES["tiny"], seed=3, precision="bfloat16")
    options = TrainingOptions(steps=20, batch_size=2, precision="bfloat16", learning_rate=1e-2)
    history = train_here(model, rows, rows, options, seed=3)
    assert history.validation[-1]["loss"] < 0.8 * np.log(vocabulary.size)
    export(model, vocabulary, GenerationOptions(), folder / "exported")
    convert(folder / "exported", folder / "hf", "huggingface", vocabulary, GenerationOptions())

    theirs = their_logits(run_peer, folder / "hf", texts)

    model.precision = "float32"
    for number, logits in enumerate(our_logits(model, sequences, 256, packing=True)):
        np.testing.assert_allclose(logits, theirs[f"float32/{number}"], rtol=0, atol=TOLERANCE)
