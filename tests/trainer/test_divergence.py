"""Divergence is noticed, and noise is not taken for it."""

import math

import numpy as np
import pytest

from trainer.divergence import TrainingDiverged, require_convergence, require_step
from trainer.history import History


def after(losses: list[float] | np.ndarray, log_every: int) -> History:
    """The history of a training of these losses, watched as the loop does it."""
    history = History()
    for loss in losses:
        history.add_step(float(loss), False)
        if history.step % log_every == 0:
            history.log(0.1, 1.0, 1.0)
            require_convergence(history, log_every)
    return history


@pytest.mark.parametrize("log_every", [1, 3, 10, 50])
def test_a_loss_that_rises_and_stays_up_is_divergence(log_every: int) -> None:
    with pytest.raises(TrainingDiverged, match=r"up to step \d+ is .* and it has been 2; lower"):
        after([2.0] * 200 + [9.0] * 150, log_every)


@pytest.mark.parametrize("log_every", [1, 10])
@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_divergence(log_every: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    falling = 0.5 + 10 * np.exp(-np.arange(2000) / 100)
    # a tenth of the batches is beyond 0.6 or 1.7 times its mean
    after(falling * random.lognormal(-0.08, 0.4, 2000), log_every)


def test_a_short_spike_is_no_divergence() -> None:
    after([2.0] * 100 + [20.0] * 2 + [2.0] * 98, 10)


def test_fifty_steps_three_nats_above_the_best_are_divergence() -> None:
    after([2.0] * 50 + [4.9] * 50, 1)
    after([2.0] * 50 + [5.1] * 49, 1)
    with pytest.raises(TrainingDiverged, match=r"up to step 100 is 5\.1, and it has been 2"):
        after([2.0] * 50 + [5.1] * 50, 1)


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (2.0, math.nan)])
def test_a_step_that_is_not_finite_is_divergence(loss: float, norm: float) -> None:
    history = History(step=7)
    with pytest.raises(TrainingDiverged, match=r"step 7: loss .* lower training\.learning_rate"):
        require_step(history, loss, norm)


def test_single_overflows_are_no_divergence_and_twenty_in_a_row_are() -> None:
    history = History()
    for _ in range(3):
        for _ in range(19):
            history.add_step(math.inf, True)
            require_step(history, math.inf, math.inf)
        history.add_step(1.0, False)
    for _ in range(19):
        history.add_step(math.inf, True)
        require_step(history, math.inf, math.inf)
    history.add_step(math.inf, True)
    with pytest.raises(TrainingDiverged, match=r"float16 overflowed 20 times in a row.*bfloat16"):
        require_step(history, math.inf, math.inf)
