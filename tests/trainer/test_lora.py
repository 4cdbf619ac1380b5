"""LoRA: what is trained, what it costs, and that the merged model is the trained one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import SMALL
from tests.trainer.token_rows import counting_rows
from tests.trainer.train_steps import make_train_step, train_here
from trainer.gpt2 import GPT2
from trainer.lora import LoRA
from trainer.options import TrainingOptions

OPTIONS = TrainingOptions(
    steps=30, batch_size=4, learning_rate=0.02, lora_rank=2, lora_alpha=8.0, log_every=5
)
IDS = tf.constant([[3, 1, 4, 1, 5, 9, 2, 6]])


def with_random_updates(layers: str) -> GPT2:
    model = GPT2(SMALL, seed=3)
    options = replace(OPTIONS, lora_layers=layers)
    model.lora = LoRA(SMALL, options, seed=1)
    random = np.random.default_rng(0)
    for variable in model.lora.by_name.values():
        variable.assign(random.normal(0, 0.2, variable.shape))
    return model


def test_untrained_updates_change_nothing() -> None:
    model = GPT2(SMALL, seed=3)
    before = model(IDS)
    model.lora = LoRA(SMALL, OPTIONS, seed=1)
    np.testing.assert_array_equal(model(IDS), before)


@pytest.mark.parametrize("layers", ["attention", "all"])
def test_merged_weights_give_the_logits_of_weights_and_updates(layers: str) -> None:
    model = with_random_updates(layers)
    plain = GPT2(SMALL, seed=3)(IDS)
    expected = model(IDS)
    assert np.abs(expected - plain).max() > 0.01
    assert model.lora is not None
    model.lora.merge_into(model.by_name)
    model.lora = None
    np.testing.assert_allclose(model(IDS), expected, atol=1e-5)


def test_the_update_is_alpha_over_rank_times_a_b() -> None:
    model = with_random_updates("attention")
    assert model.lora is not None
    kernel = model.by_name["model/h1/attn/c_proj/w"]
    before = kernel.numpy()
    a, b = (model.lora.by_name[f"model/h1/attn/c_proj/{name}"] for name in ("lora_a", "lora_b"))
    model.lora.merge_into(model.by_name)
    np.testing.assert_allclose(kernel - before, 4.0 * (a.numpy() @ b.numpy())[None], atol=1e-6)
    assert not any("mlp" in name for name in model.lora.by_name)


def test_only_the_updates_are_trained_and_have_optimizer_state() -> None:
    model = GPT2(SMALL, seed=3)
    step = make_train_step(model, OPTIONS, seed=1)
    width = SMALL.width
    a_block = 2 * (width + 3 * width) + 2 * (width + width) + 2 * 2 * (width + 4 * width)
    assert step.trained_parameters == SMALL.layers * a_block
    assert set(step.optimizer.means) == set(step.trained)
    before = {name: variable.numpy() for name, variable in model.by_name.items()}
    batch = counting_rows(4).training_batch(0, 4, seed=1)
    step(
        {name: tf.constant(value) for name, value in batch.items()},
        tf.constant(0.01),
        tf.constant(0, tf.int64),
    )
    for name, value in before.items():
        np.testing.assert_array_equal(model.by_name[name], value, err_msg=name)


def test_training_learns_and_leaves_merged_weights() -> None:
    model = GPT2(SMALL, seed=3)
    embedding = model.by_name["model/wte"].numpy()
    rows = counting_rows(10)
    history = train_here(model, rows, rows, OPTIONS, seed=1)
    assert model.lora is None
    assert history.frozen == ["everything but updates of rank 2 (LoRA)"]
    assert history.steps[-1]["loss"] < history.steps[0]["loss"] - 0.2
    np.testing.assert_array_equal(model.by_name["model/wte"], embedding)
    fresh = GPT2(SMALL, seed=3)
    moved = [
        name
        for name, variable in model.by_name.items()
        if not np.array_equal(variable, fresh.by_name[name])
    ]
    assert len(moved) == 4 * SMALL.layers
    assert all(name.endswith("/w") for name in moved)


@pytest.mark.parametrize("options", [{}, {"low_memory": True, "clip_norm": None}])
def test_a_resumed_training_ends_with_the_same_merged_weights(
    tmp_path: Path, options: dict[str, object]
) -> None:
    rows = counting_rows(10)
    whole = replace(OPTIONS, steps=6, schedule="constant", checkpoint_every=3, **options)
    models = [GPT2(replace(SMALL, layers=1), seed=3) for _ in range(3)]
    train_here(models[0], rows, rows, whole, seed=1)
    train_here(models[1], rows, rows, replace(whole, steps=3), seed=1, checkpoint_folder=tmp_path)
    train_here(models[2], rows, rows, whole, seed=1, checkpoint_folder=tmp_path)
    for name, variable in models[0].by_name.items():
        np.testing.assert_array_equal(models[2].by_name[name], variable, err_msg=name)
