"""A training here is that of plain PyTorch on transformers' GPT-2: each loss, each norm, the weights."""

import json
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np
import pytest

from pipeline.conversion import convert
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.peers.conftest import RunPeer
from tests.trainer.random_models import random_model
from tests.trainer.train_steps import train_here
from trainer.config import GPT2Config
from trainer.data import FEATURES, TokenRows, TrainingRows
from trainer.gpt2 import GPT2
from trainer.history import History
from trainer.lora import LoRA
from trainer.options import GenerationOptions, TrainingOptions
from trainer.random_windows import RandomWindows, Stream
from trainer.schedule import training_length
from trainer.weights.openai import write_openai

pytestmark = pytest.mark.long

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(BYTES.size, context=32, width=48, heads=3, layers=2)
SEED, LENGTH, STEPS = 7, 24, 20
KEYS = np.s_[CONFIG.width : 2 * CONFIG.width]


def packed_rows(count: int, mask_share: float) -> TokenRows:
    """Rows of one to four records and padding; a share of each record's first tokens is out of the loss."""
    random = np.random.default_rng(4)
    features = {name: np.zeros([count, LENGTH], np.int64) for name in FEATURES}
    for row in range(count):
        ends = np.sort(random.choice(np.arange(3, LENGTH), random.integers(1, 5), replace=False))
        for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            size = end - start
            features["input_ids"][row, start:end] = random.integers(0, BYTES.size, size)
            features["segment_ids"][row, start:end] = number + 1
            features["positions"][row, start:end] = np.arange(size)
            features["loss_mask"][row, start:end] = np.arange(size) >= max(1, mask_share * size)
    return TokenRows(features)


def streams() -> RandomWindows:
    random = np.random.default_rng(5)
    made = [random.integers(0, BYTES.size, size).astype(np.uint16) for size in (70, 9, 40)]
    return RandomWindows([Stream(ids, np.arange(len(ids)) > 0) for ids in made], LENGTH)


ALL, TARGET = packed_rows(14, 0.0), packed_rows(14, 0.7)
BASIC = TrainingOptions(
    steps=STEPS,
    batch_size=4,
    learning_rate=2e-3,
    warmup_steps=5,
    min_learning_rate=2e-4,
    weight_decay=0.1,
    clip_norm=1.0,
    # ours is added before the bias of the moments is corrected, theirs after
    epsilon=1e-12,
    log_every=1,
    validate_every=STEPS,
)


class Tolerance(NamedTuple):
    """How far losses and norms may be off, as a share, and weights, as a share of how far they have moved."""

    losses: float
    norms: float
    weights: float


# PyTorch is as far from itself in float32
EXACT = Tolerance(2e-5, 2e-4, 2e-3)
# what rounding leaves of gradients that are 0 becomes steps of the size of all others
OF_ADAFACTOR = Tolerance(5e-4, 2e-2, 0.1)
HALF, SHORT_HALF = Tolerance(1e-2, 0.1, 0.1), Tolerance(5e-2, 0.5, 0.3)
CASES: dict[str, tuple[TrainingOptions, TrainingRows, Tolerance]] = {
    "adamw": (BASIC, ALL, EXACT),
    "no clipping, constant": (replace(BASIC, clip_norm=None, schedule="constant"), ALL, EXACT),
    "step": (
        replace(BASIC, schedule="step", decay_epochs=1.5, decay_rate=0.3, warmup_steps=0),
        ALL,
        EXACT,
    ),
    "target": (BASIC, TARGET, EXACT),
    "accumulate": (replace(BASIC, accumulate=3, batch_size=2), TARGET, EXACT),
    "random windows": (BASIC, streams(), EXACT),
    "freeze embeddings": (replace(BASIC, freeze_embeddings=True), ALL, EXACT),
    "freeze blocks": (replace(BASIC, freeze_blocks=1), ALL, EXACT),
    "freeze all but the last norm": (
        replace(BASIC, freeze_blocks=2, freeze_embeddings=True),
        ALL,
        EXACT,
    ),
    "lora": (replace(BASIC, lora_rank=4, learning_rate=1e-2), TARGET, EXACT),
    "lora of the attention": (
        replace(BASIC, lora_rank=2, lora_alpha=3.0, lora_layers="attention", recompute=True),
        ALL,
        EXACT,
    ),
    "adafactor": (replace(BASIC, optimizer="adafactor"), ALL, OF_ADAFACTOR),
    "adafactor in pieces": (
        replace(BASIC, optimizer="adafactor", low_memory=True, clip_norm=None),
        TARGET,
        OF_ADAFACTOR,
    ),
    "recompute": (replace(BASIC, recompute=True, accumulate=2), TARGET, EXACT),
    "low memory": (replace(BASIC, low_memory=True, clip_norm=None), TARGET, EXACT),
    "low memory, frozen": (
        replace(BASIC, low_memory=True, clip_norm=None, freeze_embeddings=True, freeze_blocks=1),
        ALL,
        EXACT,
    ),
    "xla": (replace(BASIC, xla="on"), TARGET, EXACT),
    "float16": (replace(BASIC, precision="float16"), TARGET, HALF),
    "bfloat16": (replace(BASIC, precision="bfloat16"), TARGET, SHORT_HALF),
}


class Trained(NamedTuple):
    """What a training came to, here and there."""

    history: History
    weights: dict[str, np.ndarray]
    theirs: dict[str, np.ndarray]


def start(options: TrainingOptions) -> GPT2:
    model = random_model(CONFIG, seed=2)
    return GPT2(CONFIG, precision=options.precision, variables=model.by_name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_peer: RunPeer) -> dict[str, Trained]:
    folder = tmp_path_factory.mktemp("trained")
    before = {name: value.numpy() for name, value in start(BASIC).by_name.items()}
    write_openai(folder / "openai", CONFIG, before)
    convert(folder / "openai", folder / "hf", "huggingface", BYTES, GenerationOptions())
    asked, given, ours = {}, {}, {}
    for name, (options, rows, _) in CASES.items():
        epoch = training_length(options, len(rows)).steps_per_epoch
        asked[name] = {**asdict(options), "epoch": epoch}
        size = options.batch_size * options.accumulate
        batches = [rows.training_batch(step, size, SEED) for step in range(STEPS)]
        given |= {f"{name}/{f}": np.stack([batch[f] for batch in batches]) for f in FEATURES}
        if options.lora_rank:
            matrices = LoRA(CONFIG, options, SEED).by_name
            given |= {f"{name}/lora/{n}": value.numpy() for n, value in matrices.items()}
        model = start(options)
        history = train_here(model, rows, ALL, options, seed=SEED)
        ours[name] = history, {n: value.numpy() for n, value in model.by_name.items()}
    (folder / "request.json").write_text(json.dumps(asked))
    np.savez(folder / "batches.npz", **given)
    files = (folder / name for name in ("hf", "request.json", "batches.npz", "results.npz"))
    run_peer("train.py", *files)
    with np.load(folder / "results.npz") as loaded:
        found = dict(loaded)
    return {
        name: Trained(
            *of_name,
            {k.removeprefix(f"{name}/"): v for k, v in found.items() if k.startswith(f"{name}/")},
        )
        for name, of_name in ours.items()
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", CASES)
def test_a_training_is_that_of_pytorch(name: str, trained: dict[str, Trained]) -> None:
    options, _, tolerance = CASES[name]
    history, weights, theirs = trained[name]
    losses = [entry["loss"] for entry in history.steps]
    np.testing.assert_allclose(losses, theirs["losses"], rtol=tolerance.losses)
    norms = [entry["gradient_norm"] for entry in history.steps]
    np.testing.assert_allclose(norms, theirs["norms"], rtol=tolerance.norms)
    before = start(options).by_name
    for variable, value in weights.items():
        expected, began = theirs[variable].reshape(value.shape), before[variable].numpy()
        if variable.endswith("c_attn/b"):
            # a softmax is the same whatever is added to all of its scores: the gradient of the keys' biases is
            # rounding, and AdamW makes whole steps of it
            expected, value, began = (np.delete(v, KEYS) for v in (expected, value, began))
        moved, off = np.linalg.norm(expected - began), np.linalg.norm(expected - value)
        assert off <= tolerance.weights * moved, variable
