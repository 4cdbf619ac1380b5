"""Attention that does not keep its probabilities: equal to the plain one, in less memory."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from trainer.attention import attend_flash, attend_recomputing
from trainer.gpt2 import causal_mask
from trainer.operations import attend, dropping, keep_all

SEGMENTS = tf.constant([[1, 1, 1, 2, 2, 0], [1, 1, 1, 1, 2, 2]])


@pytest.mark.parametrize("rows", [1, 2])
def test_recomputed_attention_and_its_gradients_are_the_plain_ones(rows: int) -> None:
    segments = SEGMENTS[:rows]
    *given, upstream = (tf.random.stateless_normal([rows, 4, 6, 8], [n, 7]) for n in range(4))

    def with_gradients(way) -> list[tf.Tensor]:  # type: ignore[no-untyped-def]
        @tf.function(jit_compile=True, autograph=False)
        def run(*given: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(given)
                out = way(*given, causal_mask(segments), keep_all)
            return [out, *tape.gradient(out, given, output_gradients=upstream)]

        return run(*given)

    for ours, plain in zip(with_gradients(attend_recomputing), with_gradients(attend), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-6)


def test_every_row_of_recomputed_attention_drops_other_probabilities_and_the_same_ones_again() -> (
    None
):
    ones = tf.ones([2, 1, 6, 8])
    mask = causal_mask(tf.ones([1, 6], tf.int32))
    drop = dropping(0.5, tf.constant([1, 2], tf.int64))
    with tf.GradientTape() as tape:
        tape.watch(ones)
        out = attend_recomputing(ones, ones, ones, mask, drop)
    assert not np.allclose(out[0], out[1])
    # the values' gradient is the column sum of the same probabilities that mixed them
    value = tf.Variable(ones)
    with tf.GradientTape() as tape:
        mixed = attend_recomputing(ones, ones, value, mask, drop)
        total = tf.reduce_sum(mixed)
    np.testing.assert_allclose(tf.reduce_sum(tape.gradient(total, value)), total, rtol=1e-5)


_KEPT = """
import sys, tensorflow as tf
from trainer.device import choose_device
from trainer.bounds import Bounds
from trainer.config import GPT2Config
from trainer.gpt2 import GPT2
from trainer.options import TrainingOptions
from trainer.output_layer import OutputLayer
from trainer import train_step
options = TrainingOptions(device="cpu", xla="on")
device = choose_device(options)._replace(attention=sys.argv[1])
train_step.chosen_output_layer = lambda *_, **__: OutputLayer(int(sys.argv[2]), most=512)
model = GPT2(GPT2Config(4001, context=256, width=8, heads=4, layers=2), seed=1)
step = train_step.TrainStep(model, options, 1, device, Bounds(512))
ones = tf.ones([2, 256], tf.int32)
batch = {n: ones for n in ("input_ids", "loss_mask", "segment_ids", "positions")}
step(batch, tf.constant(0.0), tf.constant(0, tf.int64))
"""


@pytest.mark.parametrize(
    ("attention", "at_once", "fits"),
    [("recompute", 32, True), pytest.param("plain", 1000, False, marks=pytest.mark.long)],
)
def test_what_xla_allocates_for_a_step_holds_neither_probabilities_nor_all_logits(
    attention: str, at_once: int, fits: bool, tmp_path: Path
) -> None:
    """XLA's own buffer assignment, on a processor: 2 layers of [2, 4, 256, 256], logits [510, 4001]."""
    subprocess.run(
        [sys.executable, "-c", _KEPT, attention, str(at_once)],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "XLA_FLAGS": f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text"},
    )
    texts = [path.read_text() for path in tmp_path.glob("*buffer-assignment.txt")]
    found = [re.findall(r"allocation \d+: size (\d+), preallocated-temp", text) for text in texts]
    temporary_bytes = max(int(size) for sizes in found for size in sizes)
    probabilities, logits = 2 * 2 * 4 * 256 * 256 * 4, 510 * 4001 * 4
    if fits:
        assert temporary_bytes < probabilities
    else:
        assert temporary_bytes > probabilities + logits


@pytest.mark.parametrize(
    ("one_segment", "target", "operands"), [(False, "ScaleBiasSoftmax", 4), (True, "Softmax", 3)]
)
def test_flash_attention_is_a_call_of_cudnn_with_its_gradient(
    one_segment: bool, target: str, operands: int
) -> None:
    """Here the program can only be read; on a GPU `python -m benchmarks.gpu` compares its numbers."""
    given = tf.zeros([2, 2, 6, 4], tf.bfloat16)

    @tf.function(jit_compile=True, autograph=False)
    def run(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([query, key, value])
            mask, way = causal_mask(SEGMENTS), partial(attend_flash, one_segment=one_segment)
            out = way(query, key, value, mask, keep_all)
        return tape.gradient(out, [query, key, value])

    text = run.experimental_get_compiler_ir(given, given, given)(stage="hlo")
    calls = [line for line in text.splitlines() if "custom-call(" in line]
    assert [re.search(r'target="__cudnn\$fmha(\w+)"', call)[1] for call in calls] == [
        target,
        f"{target}Backward",
    ]
    inputs = re.search(r"custom-call\((.*?)\), custom_call_target", calls[0])
    assert inputs is not None
    assert inputs[1].count("%") == operands
    config = json.loads(re.search(r'backend_config=("?)(\{.*\})\1', calls[0])[2].replace("\\", ""))
    assert config["cudnn_fmha_backend_config"]["mask_type"] == "CAUSAL"
    assert config["cudnn_fmha_backend_config"]["fmha_scale"] == 0.5
