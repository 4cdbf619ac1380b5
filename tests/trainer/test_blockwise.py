"""Recomputation and the low-memory mode: the same steps as the ordinary ones, in less memory."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import SMALL, random_model
from tests.trainer.token_rows import counting_rows
from tests.trainer.train_steps import make_train_step
from trainer import blockwise, train_step
from trainer.bounds import ANY_NUMBER
from trainer.gpt2 import GPT2, Precision
from trainer.operations import Operations
from trainer.options import TrainingOptions
from trainer.output_layer import OutputLayer
from trainer.train_step import StepResult

UNCLIPPED = TrainingOptions(clip_norm=None)


def batch_of(rows: int) -> dict[str, tf.Tensor]:
    """Rows of two segments, the first tokens of each out of the loss."""
    batch = counting_rows(rows, length=12).training_batch(0, rows, seed=1)
    batch["segment_ids"][:, 7:] = 2
    batch["loss_mask"][:, :3] = 0
    batch["loss_mask"][0, 7:9] = 0
    return {name: tf.constant(value) for name, value in batch.items()}


def steps_of(
    options: TrainingOptions, number: int = 3, precision: Precision = "float32"
) -> tuple[list[StepResult], GPT2]:
    model = GPT2(SMALL, seed=3, precision=precision)
    step = make_train_step(model, options, seed=1)
    results = [
        step(batch_of(4), tf.constant(0.01), tf.constant(n, tf.int64)) for n in range(number)
    ]
    return results, model


@pytest.mark.parametrize("mode", ["recompute", "low_memory"])
@pytest.mark.parametrize(
    "options",
    [
        UNCLIPPED,
        replace(UNCLIPPED, dropout=0.3),
        replace(UNCLIPPED, optimizer="adafactor"),
        pytest.param(
            replace(UNCLIPPED, freeze_embeddings=True, freeze_blocks=1), marks=pytest.mark.long
        ),
        replace(UNCLIPPED, freeze_blocks=2),
        replace(UNCLIPPED, lora_rank=2),
        replace(UNCLIPPED, xla="on"),
    ],
    ids=["plain", "dropout", "adafactor", "frozen", "frozen blocks", "lora", "xla"],
)
def test_the_steps_are_the_ordinary_ones(
    options: TrainingOptions, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # several pieces of logits, the last one short
    layer = OutputLayer(7, adds_up=bool(options.dropout), most=ANY_NUMBER)
    monkeypatch.setattr(train_step, "chosen_output_layer", lambda *_, **__: layer)
    expected, ordinary = steps_of(replace(options, xla="off"))
    found, model = steps_of(replace(options, **{mode: True}))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.loss, theirs.loss, rtol=2e-5)
        np.testing.assert_allclose(ours.gradient_norm, theirs.gradient_norm, rtol=2e-5)
    for name, value in ordinary.variables_by_name.items():
        if name.endswith("attn/c_attn/b"):
            continue  # the keys' bias changes nothing, so its gradient is rounding alone
        np.testing.assert_allclose(model.variables_by_name[name], value, atol=2e-4, err_msg=name)


def test_recomputed_parts_accumulate_and_are_clipped_together() -> None:
    options = TrainingOptions(accumulate=2, clip_norm=0.1)
    expected, ordinary = steps_of(options)
    found, model = steps_of(replace(options, recompute=True))
    np.testing.assert_allclose(found[-1].loss, expected[-1].loss, rtol=2e-5)
    for name, value in ordinary.by_name.items():
        np.testing.assert_allclose(model.by_name[name], value, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_recomputation_works_in_half_precision(precision: Precision) -> None:
    options = TrainingOptions(precision=precision)
    expected, _ = steps_of(options, 6, precision)
    found, _ = steps_of(replace(options, recompute=True), 6, precision)
    np.testing.assert_allclose(
        [step.loss for step in found], [step.loss for step in expected], rtol=0.02
    )


@pytest.mark.parametrize("mode", ["recompute", "low_memory"])
def test_a_batch_without_a_counted_token_changes_nothing(mode: str) -> None:
    model = random_model(SMALL, seed=0)
    before = {name: variable.numpy() for name, variable in model.by_name.items()}
    options = replace(UNCLIPPED, weight_decay=0.0, **{mode: True})
    batch = batch_of(2)
    batch["loss_mask"] = tf.zeros_like(batch["loss_mask"])
    step = make_train_step(model, options, seed=1)
    result = step(batch, tf.constant(0.01), tf.constant(0, tf.int64))
    assert (float(result.loss), float(result.gradient_norm)) == (0.0, 0.0)
    for name, value in before.items():
        np.testing.assert_array_equal(model.by_name[name], value)


def test_no_block_is_computed_again_before_the_one_behind_it_is_updated() -> None:
    model = random_model(SMALL, seed=0)
    by_blocks = blockwise.BlockwiseGradients(model, model.by_name, xla=False)
    order: list[str] = []

    def note(found: dict[str, tf.Tensor]) -> list[tf.Operation]:
        def noted(name: bytes) -> np.float32:
            order.append(name.decode())
            return np.float32(0)

        with tf.control_dependencies(list(found.values())):
            return [tf.numpy_function(noted, [min(found)], tf.float32).op]

    @tf.function(autograph=False)
    def loss() -> tf.Tensor:
        return by_blocks(batch_of(2), Operations(), 1.0, note)

    loss()
    assert order[0].startswith("model/ln_f")
    assert [name.split("/")[1] for name in order[1:]] == ["h1", "h0", "wpe"]


def test_gradients_come_in_one_order_whatever_names_hash_to_in_a_process() -> None:
    """Their norm is added up in this order: a training that another process goes on with has the same bits."""
    model = random_model(SMALL, seed=0)
    by_blocks = blockwise.BlockwiseGradients(model, model.by_name, xla=False)
    names: list[str] = []

    def note(found: dict[str, tf.Tensor]) -> list[tf.Operation]:
        names.extend(found)
        return [gradient.op for gradient in found.values()]

    @tf.function(autograph=False)
    def loss() -> tf.Tensor:
        return by_blocks(batch_of(2), Operations(), 1.0, note)

    loss.get_concrete_function()
    in_blocks = [
        name
        for layer in reversed(range(SMALL.layers))
        for name in model.by_name
        if name.startswith(f"model/h{layer}/")
    ]
    norm, embeddings = ["model/ln_f/g", "model/ln_f/b"], ["model/wte", "model/wpe"]
    assert names == [*norm, *in_blocks, *embeddings]
