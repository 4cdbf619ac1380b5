"""The GPU's numbers beside the processor's: loss and gradients in each precision, masks, sampling."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.gpu.programs.engine import device_of, read_job
from trainer.bounds import Bounds
from trainer.config import GPT2Config
from trainer.device import Attention, Device
from trainer.generation import CachedModel, Request, Writer, generate
from trainer.generation.together import GroupWriter
from trainer.gpt2 import GPT2, Precision
from trainer.loss import counted_tokens
from trainer.options import TrainingOptions
from trainer.sampling import sample
from trainer.train_step import TrainStep

CONFIG = GPT2Config(vocabulary_size=500, context=128, width=128, heads=2, layers=3)
# the largest difference from the processor's float32, as a share of the gradients' norm, that rounding explains
LIMITS: dict[Precision, float] = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}
_BETA = 0.9


def main() -> None:
    """Compare, and print every difference; {"failed"} names those that are too large."""
    job = read_job()
    device = device_of(job)
    found: dict[str, Any] = {"device": str(device)}
    faults = []
    for one_segment in job.get("one_segment", (False, True)):
        expected = _loss_and_gradients("float32", _processor(), one_segment, low_memory=False)
        for precision, attention, low_memory in _ways(device):
            used = device._replace(precision=precision, attention=attention)
            loss, gradients = _loss_and_gradients(
                precision, used, one_segment, low_memory=low_memory
            )
            difference = _difference(gradients, expected[1])
            name = f"{precision}_{attention}{'_low_memory' if low_memory else ''}"
            name += "_one_segment" if one_segment else ""
            found[f"gradients_{name}"] = difference
            found[f"loss_{name}"] = abs(loss - expected[0])
            if not difference < LIMITS[precision] or abs(loss - expected[0]) > 0.02:
                faults.append(name)
    found["sampling_equal"] = _same_samples(device)
    found["texts_equal"] = _same_texts(device)
    found["faults"] = ", ".join(faults)
    print(json.dumps(found))


def _ways(device: Device) -> list[tuple[Precision, Attention, bool]]:
    """Precision, attention, and whether in low memory (which float16 cannot be)."""
    if device.kind == "cpu":
        return [("float32", "plain", False), ("bfloat16", "plain", True)]
    return [
        ("float32", "recompute", False),
        ("float32", "recompute", True),
        ("bfloat16", "flash", False),
        ("bfloat16", "flash", True),
        ("bfloat16", "recompute", False),
        ("float16", "flash", False),
    ]


def _processor() -> Device:
    return Device("processor", "cpu", "float32", "", False, False, "plain")


def _batch(one_segment: bool) -> dict[str, tf.Tensor]:
    """Four rows of one segment or two, and padding; the first tokens of each segment out of the loss."""
    random, length = np.random.default_rng(2), CONFIG.context
    places = np.arange(length)
    first = 120 if one_segment else 50
    segments = np.where(places < first, 1, np.where(places < 120, 2, 0))
    batch = {
        "input_ids": random.integers(0, CONFIG.vocabulary_size, (4, length)),
        "loss_mask": np.tile((segments > 0) & (places % 60 > 5), (4, 1)),
        "segment_ids": np.tile(segments, (4, 1)),
        "positions": np.tile(np.where(places < first, places, places - first), (4, 1)),
    }
    return {name: tf.constant(value, tf.int32) for name, value in batch.items()}


def _loss_and_gradients(
    precision: Precision, device: Device, one_segment: bool, *, low_memory: bool
) -> tuple[float, dict[str, np.ndarray]]:
    """Of one step: after it AdamW's first moment is a tenth of the gradient."""
    options = TrainingOptions(clip_norm=None, precision=precision, weight_decay=0.0)
    options = replace(options, low_memory=low_memory, beta1=_BETA)
    place = "CPU:0" if device.kind == "cpu" else "GPU:0"
    with tf.device(place):
        model = GPT2(CONFIG, seed=1, precision=device.precision)
        batch = _batch(one_segment)
        bounds = Bounds(int(counted_tokens(batch)), one_segment=one_segment)
        step = TrainStep(model, options, 1, device, bounds)
        if step.loss_scale is not None:
            step.loss_scale.value.assign(1024.0)
        result = step(batch, tf.constant(0.0), tf.constant(0, tf.int64))
        means = {name: mean.numpy() / (1 - _BETA) for name, mean in step.optimizer.means.items()}
    return float(result.loss), means


def _difference(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """The norm of all differences as a share of the norm of all gradients."""
    squares = sum(float(np.square(found[n] - expected[n], dtype=np.float64).sum()) for n in found)
    norm = sum(float(np.square(e, dtype=np.float64).sum()) for e in expected.values())
    return float((squares / norm) ** 0.5)


def _same_samples(device: Device) -> str:
    """How many of the draws from random logits are those of the processor."""
    logits = tf.random.stateless_normal([32, 50257], [1, 2], stddev=3.0)
    uniform = tf.random.stateless_uniform([32], [3, 4])
    drawn = []
    for place in ("CPU:0", "GPU:0" if device.kind == "gpu" else "CPU:0"):
        with tf.device(place):
            drawn.append(sample(tf.identity(logits), tf.identity(uniform), 1.0, 40, 0.9).numpy())
    return f"{int((drawn[0] == drawn[1]).sum())} of 32"


def _same_texts(device: Device) -> str:
    """How many continuations, sampled in float32 in groups, are those of the processor row by row."""
    rows, end = 12, CONFIG.vocabulary_size - 1
    random = np.random.default_rng(4)
    prompts = [random.integers(0, end, random.integers(1, 90)).tolist() for _ in range(rows)]
    seeds = np.array([[5, row] for row in range(rows)], np.int64)

    @tf.function(autograph=False)
    def row_by_row(model: GPT2) -> tf.RaggedTensor:
        generated = generate(
            Writer(CachedModel(model), tf.fill([CONFIG.vocabulary_size], "x"), end),
            tf.ragged.constant(prompts, dtype=tf.int32),
            Request(24, top_p=0.9, stop=tf.constant([], tf.string)),
            seeds=tf.constant(seeds),
        )
        return tf.RaggedTensor.from_tensor(generated.ids, lengths=generated.counts)

    with tf.device("CPU:0"):
        expected = row_by_row(GPT2(CONFIG, seed=1)).to_list()
    with tf.device("GPU:0" if device.kind == "gpu" else "CPU:0"):
        writer = GroupWriter(GPT2(CONFIG, seed=1), [b"x"] * CONFIG.vocabulary_size, end)
    written = writer.write(prompts, seeds, Request(24, top_p=0.9))
    same = sum(text.ids == ids for text, ids in zip(written, expected, strict=True))
    return f"{same} of {rows}"


if __name__ == "__main__":
    main()
