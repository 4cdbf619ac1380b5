"""How long a training is, and its learning rates."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from trainer.options import TrainingOptions
from trainer.schedule import TrainingLength, learning_rate, training_length


@pytest.mark.parametrize(
    ("options", "rows", "expected"),
    [
        ({}, 16, TrainingLength(200, 2)),
        ({"steps": 7}, 16, TrainingLength(7, 2)),
        ({"epochs": 3}, 16, TrainingLength(6, 2)),
        ({"epochs": 3}, 17, TrainingLength(9, 3)),
        ({"epochs": 3, "accumulate": 2}, 17, TrainingLength(6, 2)),
        ({"epochs": 3, "steps_per_epoch": 5}, 16, TrainingLength(15, 5)),
        ({"epochs": 2}, 1, TrainingLength(2, 1)),
    ],
)
def test_a_training_is_as_long_as_its_steps_or_its_epochs(
    options: dict[str, Any], rows: int, expected: TrainingLength
) -> None:
    assert training_length(TrainingOptions(batch_size=8, **options), rows) == expected


def rates(steps: int, steps_per_epoch: int = 10, **options: Any) -> list[float]:
    length = TrainingLength(steps, steps_per_epoch)
    return [learning_rate(step, TrainingOptions(**options), length) for step in range(steps)]


def test_the_rate_rises_to_the_peak_and_falls_along_a_cosine() -> None:
    found = rates(30, warmup_steps=10, learning_rate=0.4)
    np.testing.assert_allclose(found[:10], np.arange(1, 11) * 0.04)
    assert found[10] == pytest.approx(0.4)
    assert found[20] == pytest.approx(0.2)
    assert found[29] == pytest.approx(0.2 * (1 + math.cos(math.pi * 19 / 20)))
    assert all(before > after for before, after in pairwise(found[10:]))


def test_a_cosine_ends_at_the_lowest_rate() -> None:
    found = rates(31, warmup_steps=10, learning_rate=0.4, min_learning_rate=0.1)
    assert found[10] == pytest.approx(0.4)
    assert found[30] == pytest.approx(0.1, rel=0.02)
    assert min(found[10:]) > 0.1


def test_a_constant_rate_stays_at_the_peak() -> None:
    found = rates(9, warmup_steps=3, learning_rate=0.3, schedule="constant")
    np.testing.assert_allclose(found, [0.1, 0.2] + [0.3] * 7)


def test_steps_fall_by_the_decay_rate_every_so_many_epochs() -> None:
    options: dict[str, Any] = {"schedule": "step", "learning_rate": 0.8, "decay_rate": 0.5}
    found = rates(9, 2, warmup_steps=1, decay_epochs=2, **options)
    np.testing.assert_allclose(found, [0.8] * 4 + [0.4] * 4 + [0.2])
    # an epoch may be cut in parts, and the warm-up counts among the epochs
    found = rates(6, 4, warmup_steps=3, decay_epochs=0.5, **options)
    np.testing.assert_allclose(found, [0.8 / 3, 1.6 / 3, 0.8, 0.4, 0.2, 0.2])


def test_without_warm_up_the_first_step_has_the_peak() -> None:
    assert rates(5, warmup_steps=0, learning_rate=1e-3)[0] == 1e-3
