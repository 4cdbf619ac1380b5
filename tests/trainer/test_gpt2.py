"""The forward pass: against NumPy, in packed rows, in bfloat16; names, shapes, initial weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.base.errors import InputError
from tests.trainer.numpy_gpt2 import numpy_logits
from tests.trainer.random_models import SMALL, random_model
from trainer.config import SIZES, model_config, variable_shapes
from trainer.gpt2 import GPT2, GPT2Config
from trainer.operations import Operations, dropping
from trainer.options import ModelOptions

SHARED = random_model(SMALL, seed=9)  # hypothesis takes no fixture of a test


def as_numpy(model: GPT2) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in model.by_name.items()}


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        GPT2Config(vocabulary_size=50, context=16, width=48, heads=3, layers=3),
    ],
    ids=["4 heads", "3 heads"],
)
def test_logits_equal_the_formulas_in_numpy(config: GPT2Config) -> None:
    model = random_model(config, seed=1)
    ids = np.random.default_rng(2).integers(0, config.vocabulary_size, [2, config.context])
    logits = model(tf.constant(ids)).numpy()
    assert logits.dtype == np.float32
    for row in range(2):
        expected = numpy_logits(as_numpy(model), config.heads, ids[row])
        np.testing.assert_allclose(logits[row], expected, atol=1e-4)


def test_initial_weights_give_logits_that_equal_numpy_too() -> None:
    model = GPT2(SMALL, seed=5)
    ids = np.arange(24)
    expected = numpy_logits(as_numpy(model), 4, ids)
    np.testing.assert_allclose(model(tf.constant([ids]))[0], expected, atol=1e-4)


def test_a_packed_segment_has_the_logits_that_it_has_alone(model: GPT2, ids: tf.Tensor) -> None:
    first, second, third = ids[0, :5], ids[1, :4], ids[2, :2]
    packed = tf.concat([first, second, third, [0]], axis=0)[tf.newaxis]
    segments = tf.constant([[1] * 5 + [2] * 4 + [3] * 2 + [0]])
    positions = tf.constant([[0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 0]])
    together = model(packed, segments, positions)[0]
    for part, (start, end) in zip((first, second, third), ((0, 5), (5, 9), (9, 11)), strict=True):
        alone = model(part[tf.newaxis])[0]
        np.testing.assert_allclose(together[start:end], alone, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_other_segments_and_padding_change_nothing(data: st.DataObject) -> None:
    model = SHARED
    length = 12
    cuts = sorted(data.draw(st.lists(st.integers(1, length - 1), min_size=2, max_size=2)))
    segments = np.array([1] * cuts[0] + [2] * (cuts[1] - cuts[0]) + [0] * (length - cuts[1]))
    positions = np.concatenate([np.arange(np.sum(segments == s)) for s in (1, 2, 0)])
    token = st.integers(0, model.config.vocabulary_size - 1)
    row = np.array(data.draw(st.lists(token, min_size=length, max_size=length)))
    other = np.array(data.draw(st.lists(token, min_size=length, max_size=length)))
    for segment in (1, 2):
        own = segments == segment
        changed = np.where(own, row, other)
        logits = model(
            tf.constant([row, changed]), tf.constant([segments] * 2), tf.constant([positions] * 2)
        ).numpy()
        np.testing.assert_allclose(logits[0][own], logits[1][own], atol=1e-5)


def test_a_later_token_changes_no_earlier_logits(model: GPT2, ids: tf.Tensor) -> None:
    changed = tf.concat([ids[:, :7], (ids[:, 7:] + 1) % 61], axis=1)
    before, after = model(ids).numpy(), model(changed).numpy()
    np.testing.assert_allclose(before[:, :7], after[:, :7], atol=1e-5)
    assert np.abs(before[:, 7:] - after[:, 7:]).max() > 0.1


def test_bfloat16_is_within_its_rounding_of_float32(model: GPT2, ids: tf.Tensor) -> None:
    half = GPT2(model.config, precision="bfloat16")
    for name, variable in half.by_name.items():
        variable.assign(model.by_name[name])
    exact, rounded = model(ids).numpy(), half(ids).numpy()
    assert rounded.dtype == np.float32
    assert {v.dtype for v in half.by_name.values()} == {tf.float32}
    error = np.abs(exact - rounded)
    # bfloat16 keeps 8 bits: a relative error of 2^-8 an operation
    assert error.max() < 0.1 * exact.std()
    assert 0 < error.mean() < 0.02 * exact.std()


def test_dropout_depends_on_its_seed_alone(model: GPT2, ids: tf.Tensor) -> None:
    def dropped(seed: int, rate: float = 0.5) -> np.ndarray:
        operations = Operations(drop=dropping(rate, tf.constant([seed, 0])))
        return model.hidden(ids, operations=operations).numpy()

    np.testing.assert_array_equal(dropped(1), dropped(1))
    assert np.abs(dropped(1) - dropped(2)).max() > 0.1
    np.testing.assert_array_equal(dropped(1, rate=0.0), model.hidden(ids).numpy())


def test_names_and_shapes_are_those_of_openais_124m(genuine: Path) -> None:
    listed = json.loads((genuine / "gpt2" / "124M_variable_shapes.json").read_text())
    expected = {name: tuple(shape) for name, (shape, _) in listed.items()}
    shapes = variable_shapes(SIZES["124M"])
    assert shapes == expected
    assert len(shapes) == 148
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 124_439_808


def test_sizes_are_the_public_ones(genuine: Path) -> None:
    for size, hparams in json.loads((genuine / "gpt2" / "hparams.json").read_text()).items():
        assert SIZES[size] == GPT2Config(
            vocabulary_size=hparams["n_vocab"],
            context=hparams["n_ctx"],
            width=hparams["n_embd"],
            heads=hparams["n_head"],
            layers=hparams["n_layer"],
        )


def test_initial_weights_are_gpt2s_and_depend_on_the_seed() -> None:
    config = GPT2Config(vocabulary_size=500, context=64, width=64, heads=4, layers=8)
    first, again, other = (as_numpy(GPT2(config, seed=seed)) for seed in (1, 1, 2))
    deviations = {
        "model/wte": 0.02,
        "model/wpe": 0.01,
        "model/h3/attn/c_attn/w": 0.02,
        "model/h3/mlp/c_fc/w": 0.02,
        "model/h3/attn/c_proj/w": 0.02 / 4,
        "model/h3/mlp/c_proj/w": 0.02 / 4,
    }
    for name, deviation in deviations.items():
        assert first[name].std() == pytest.approx(deviation, rel=0.05)
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])
    assert not np.array_equal(first["model/h0/mlp/c_fc/w"], first["model/h1/mlp/c_fc/w"])
    assert (first["model/h0/ln_1/g"] == 1).all()
    assert (first["model/h0/mlp/c_fc/b"] == 0).all()


def test_a_model_counts_its_parameters(model: GPT2) -> None:
    assert model.config.parameters == sum(
        variable.shape.num_elements() for variable in model.variables
    )


def test_overrides_replace_the_sizes_values() -> None:
    config = model_config(ModelOptions(size="124M", layers=2, context=128), vocabulary_size=257)
    assert config == GPT2Config(vocabulary_size=257, context=128, width=768, heads=12, layers=2)


def test_a_width_that_the_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(InputError, match=r"width 64 is not a multiple of heads 3"):
        model_config(ModelOptions(heads=3), vocabulary_size=257)


def test_every_impossible_number_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        model_config(ModelOptions(layers=0, context=-1), vocabulary_size=257)
    assert len(caught.value.messages) == 2
    assert "layers is 0" in str(caught.value)
    assert "context is -1" in str(caught.value)
