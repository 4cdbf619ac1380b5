"""Samplers as units, with scripted logits, and the frequencies of what they draw."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import sampling
from trainer.sampling import (
    draw,
    greedy,
    kept_by_top_k,
    kept_by_top_p,
    penalise_repetition,
    sample,
    tokens_of,
    uniforms,
)
from trainer.sampling_by_sorting import sample_by_sorting

# probabilities that are easy to add
HALVES = tf.constant([0.5, 0.25, 0.125, 0.125])


def kept_by_k(weights: tf.Tensor, k: int) -> list[int]:
    """The places that top-k keeps of one row."""
    return np.flatnonzero(kept_by_top_k(weights[tf.newaxis], tf.constant([k]))).tolist()


def kept_by_p(weights: tf.Tensor, p: float) -> list[int]:
    return np.flatnonzero(kept_by_top_p(weights[tf.newaxis], tf.constant([p]))).tolist()


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [0]), (3, [0, 1, 2]), (0, [0, 1, 2, 3]), (9, [0, 1, 2, 3])]
)
def test_top_k_keeps_the_k_most_probable(k: int, expected: list[int]) -> None:
    assert kept_by_k(HALVES, k) == expected


def test_top_k_keeps_the_first_of_equals_in_any_order_of_weights() -> None:
    weights = tf.constant([0.2, 0.3, 1.0, 0.3, 0.3, 0.0])
    assert kept_by_k(weights, 3) == [1, 2, 3]


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.4, [0]),
        (0.6, [0, 1]),  # 0.5 falls short of p, the second token crosses it and stays
        (0.75, [0, 1]),  # reached exactly
        (0.8, [0, 1, 2]),
        (1e-6, [0]),
        (1.0, [0, 1, 2, 3]),
    ],
)
def test_top_p_keeps_the_token_that_crosses_p(p: float, expected: list[int]) -> None:
    assert kept_by_p(HALVES, p) == expected


def test_top_p_of_one_keeps_even_what_rounding_would_lose() -> None:
    logits = tf.constant([50.0, *np.linspace(0, -40, 500)], tf.float32)
    assert len(kept_by_p(tf.nn.softmax(logits), 1.0)) == 501


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=30),
    st.floats(0.01, 0.999),
)
def test_top_p_is_the_smallest_prefix_that_reaches_p(values: list[float], p: float) -> None:
    logits = np.array(values, np.float32)
    probabilities = np.exp(logits.astype(np.float64))
    probabilities /= probabilities.sum()
    chosen = kept_by_p(tf.nn.softmax(logits), p)
    descending = np.argsort(-tf.nn.softmax(logits).numpy(), kind="stable")
    assert chosen == sorted(descending[: len(chosen)])
    assert probabilities[chosen].sum() >= p - 1e-5
    assert probabilities[descending[: len(chosen) - 1]].sum() < p + 1e-5


@pytest.mark.parametrize(
    ("uniform", "index"),
    [(0.0, 0), (0.49, 0), (0.5, 1), (0.74, 1), (0.76, 2), (0.87, 2), (0.88, 3), (0.9999999, 3)],
)
def test_a_draw_is_the_inverse_of_the_cumulative_distribution(uniform: float, index: int) -> None:
    assert draw(HALVES[tf.newaxis], tf.constant([uniform])).numpy().tolist() == [index]


def test_what_is_filtered_is_never_drawn_even_by_the_largest_uniform() -> None:
    weights = tf.constant([0, 0.3, 0.1, 0, 0], tf.float32)
    largest = np.nextafter(np.float32(1), np.float32(0))
    rows = tf.tile(weights[tf.newaxis], [3, 1])
    assert draw(rows, tf.constant([0.0, 0.8, largest])).numpy().tolist() == [1, 2, 2]


def test_greedy_takes_the_first_of_equals() -> None:
    assert greedy(tf.constant([[1.0, 3.0, 3.0]])).numpy().tolist() == [1]


def test_temperature_zero_is_greedy_whatever_the_uniform() -> None:
    logits = tf.constant([[0.1, 0.3, 0.2]] * 2)
    chosen = sample(logits, tf.constant([0.0, 0.99]), 0.0, top_k=0, top_p=1.0)
    assert chosen.numpy().tolist() == [1, 1]


def test_a_temperature_close_to_zero_is_almost_greedy() -> None:
    logits = tf.constant([[-400.0, 300.0, 299.0]] * 2)
    chosen = sample(logits, tf.constant([0.0, 0.99]), 1e-37, top_k=0, top_p=0.9)
    assert chosen.numpy().tolist() == [1, 1]


def test_a_sample_gives_the_id_and_not_the_place_among_what_is_kept() -> None:
    logits = tf.constant(np.log([[0.1, 0.7, 0.2]] * 3), tf.float32)
    chosen = sample(logits, tf.constant([0.1, 0.7, 0.9]), 1.0, top_k=2, top_p=1.0)
    assert chosen.numpy().tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "expected"),
    [
        (1.0, 0, 1.0, [0.1, 0.4, 0.05, 0.3, 0.15]),
        (1.0, 2, 1.0, [0, 4 / 7, 0, 3 / 7, 0]),
        (1.0, 0, 0.8, [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85]),
        (0.5, 0, 1.0, np.square([0.1, 0.4, 0.05, 0.3, 0.15]) / 0.285),
        (1.0, 4, 0.6, [0, 4 / 7, 0, 3 / 7, 0]),  # top-p is of what top-k leaves
    ],
)
def test_frequencies_follow_the_probabilities(
    temperature: float, top_k: int, top_p: float, expected: list[float]
) -> None:
    count = 20_000
    logits = tf.tile(tf.math.log([[0.1, 0.4, 0.05, 0.3, 0.15]]), [count, 1])
    uniform = tf.random.stateless_uniform([count], [1, 2])
    chosen = tf.function(sample)(logits, uniform, temperature, top_k, top_p).numpy()
    counts = np.bincount(chosen, minlength=5)
    wanted = np.array(expected) * count
    possible = wanted > 0
    assert (counts[~possible] == 0).all()
    chi_square = np.sum((counts - wanted)[possible] ** 2 / wanted[possible])
    # 0.999 quantiles of chi-square with 1, 2 and 4 degrees of freedom
    assert chi_square < {2: 10.83, 3: 13.82, 5: 18.47}[int(possible.sum())]


def test_uniforms_are_uniform() -> None:
    numbers = uniforms(tf.constant([[3, row] for row in range(200)], tf.int64), 50).numpy()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=10, range=(0, 1))
    chi_square = np.sum((counts - 1000) ** 2 / 1000)
    assert chi_square < 27.88  # 0.999 quantile with 9 degrees of freedom


def test_a_rows_stream_depends_on_its_own_seed_alone() -> None:
    seeds = [[3, 0], [3, 1], [4, 0]]
    together = uniforms(tf.constant(seeds, tf.int64), 7).numpy()
    assert len(np.unique(together)) == together.size
    for row, seed in enumerate(seeds):
        alone = uniforms(tf.constant([seed], tf.int64), 7).numpy()
        np.testing.assert_array_equal(together[row], alone[0])


def test_the_first_numbers_do_not_depend_on_how_many_are_drawn() -> None:
    seeds = tf.constant([[3, 0]], tf.int64)
    np.testing.assert_array_equal(uniforms(seeds, 5), uniforms(seeds, 1000)[:, :5])


@pytest.mark.parametrize(
    ("top_k", "top_p", "deviation"),
    [
        *(
            (*filters, deviation)
            for filters in ((0, 0.9), (1500, 0.7), (700, 0.9), (0, 0.2), (5, 1))
            for deviation in (0.5, 4)
        ),
        (0, 0.3, 0.5),
        # of peaked rows this keeps tokens that weigh less than float32 tells apart
        (0, 0.999, 0.5),
    ],
)
def test_a_draw_is_what_sorting_all_of_a_row_gives(
    top_k: int, top_p: float, deviation: float
) -> None:
    random = np.random.default_rng(5)
    logits = random.normal(0, deviation, [6, 20_000]).astype(np.float32)
    uniform, expected = [], []
    for row, share in zip(logits, (0, 0.2, 0.4, 0.6, 0.8, 1), strict=True):
        descending = np.argsort(-row, kind="stable")[: top_k or None]
        sums = np.cumsum(np.exp(row[descending].astype(np.float64)))
        kept = np.sort(descending[: np.searchsorted(sums, top_p * sums[-1]) + 1])
        ends = np.cumsum(np.exp(row[kept].astype(np.float64)))
        place = round(share * (len(kept) - 1))
        # in the middle of what a token covers, so that rounding cannot reach its neighbour
        uniform.append((ends[place] - np.exp(row[kept[place]]) / 2) / ends[-1])
        expected.append(kept[place])
    drawn = sample(tf.constant(logits), tf.constant(uniform, tf.float32), 1.0, top_k, top_p)
    assert drawn.numpy().tolist() == expected


def test_sorting_draws_what_halving_draws() -> None:
    random = np.random.default_rng(8)
    rows = 40
    logits = tf.constant(random.normal(0, 3, [rows, 3000]).astype(np.float32))
    uniform = tf.constant(random.random(rows).astype(np.float32))
    settings = (
        tf.constant(random.uniform(0.3, 2, rows).astype(np.float32)),
        tf.constant(random.choice([0, 1, 5, 400], rows), tf.int32),
        tf.constant(random.choice([0.1, 0.7, 0.95, 1.0], rows), tf.float32),
    )
    sorted_ones = sample_by_sorting(logits, uniform, *settings)
    np.testing.assert_array_equal(sorted_ones, sample(logits, uniform, *settings))


def test_sorting_keeps_the_first_of_equals_and_never_draws_what_weighs_nothing() -> None:
    logits, largest = tf.zeros([2, 5000]), np.nextafter(np.float32(1), np.float32(0))
    ones = tf.ones([2])
    uniform = tf.constant([0.2501, largest])
    drawn = sample_by_sorting(logits, uniform, ones, tf.zeros([2], tf.int32), 0.8 * ones)
    assert drawn.numpy().tolist() == [1000, 3999]
    drawn = sample_by_sorting(logits, uniform, ones, tf.constant([7, 7]), ones)
    assert drawn.numpy().tolist() == [1, 6]


def test_each_row_has_its_own_settings() -> None:
    logits = tf.constant(np.log([[0.1, 0.6, 0.3]] * 4), tf.float32)
    uniform = tf.fill([4], 0.99)
    drawn = sample(logits, uniform, [0.0, 1.0, 1.0, 1.0], [0, 0, 1, 0], [1.0, 1.0, 1.0, 0.65])
    assert drawn.numpy().tolist() == [1, 2, 1, 2]
    drawn = sample(logits, uniform, [0.0, 1.0, 1.0, 1.0], [0, 0, 1, 0], [1.0, 1.0, 1.0, 0.55])
    assert drawn.numpy().tolist() == [1, 2, 1, 1]


def test_repetition_is_penalised_as_in_ctrl() -> None:
    random = np.random.default_rng(2)
    logits = random.normal(size=[2, 9]).astype(np.float32)
    seen = random.uniform(size=[2, 9]) < 0.5
    expected = logits.copy()
    for place in zip(*np.nonzero(seen), strict=True):
        expected[place] = logits[place] / 1.3 if logits[place] > 0 else logits[place] * 1.3
    np.testing.assert_allclose(penalise_repetition(logits, seen, 1.3), expected, rtol=1e-6)
    np.testing.assert_array_equal(penalise_repetition(logits, seen, 1.0), logits)
    expected[1] = logits[1]
    of_rows = tf.constant([1.3, 1.0])
    np.testing.assert_allclose(penalise_repetition(logits, seen, of_rows), expected, rtol=1e-6)


def test_the_tokens_of_a_prompt_leave_its_padding_out() -> None:
    found = tokens_of(tf.constant([[3, 3, 0, 0], [1, 4, 0, 2]]), tf.constant([2, 4]), 6).numpy()
    assert [np.flatnonzero(row).tolist() for row in found] == [[3], [0, 1, 2, 4]]


def test_among_equal_logits_the_first_ids_are_kept() -> None:
    logits = tf.zeros([2, 5000])
    drawn = sample(logits, tf.constant([0.2501, 0.9999]), 1.0, 0, 0.8)
    assert drawn.numpy().tolist() == [1000, 3999]


def test_a_row_draws_the_same_token_whatever_is_beside_it() -> None:
    random = np.random.default_rng(9)
    flat = random.normal(size=(1, 50_257)).astype(np.float32) * 0.5
    both = tf.concat([flat, flat * 20], axis=0)
    for number in random.random(20).astype(np.float32):
        alone = sample(tf.constant(flat), tf.constant([number]), 1.0, 0, 0.9)
        beside = sample(both, tf.constant([number, 0.5]), 1.0, 0, 0.9)
        assert int(alone[0]) == int(beside[0])


def test_no_reduction_that_rows_begin_side_by_side_holds_a_constant() -> None:
    """In XLA's own words: see the module's docstring for what becomes of a process otherwise."""
    of_row = (tf.zeros([1, 50257]), *(tf.zeros([1], t) for t in (tf.float32, tf.float32)))
    text = sampling._drawn_alone.experimental_get_compiler_ir(
        *of_row, tf.zeros([1], tf.int32), tf.zeros([1])
    )(stage="optimized_hlo")
    bodies = dict(re.findall(r"(?ms)^%?(\S+) \([^\n]*\{$(.*?)^\}", text))
    reductions = re.findall(r"calls=%?([^\s,]+)[^\n]*__ynn_fusion", text)
    assert reductions
    assert [name for name in reductions if "constant(" in bodies[name]] == []
