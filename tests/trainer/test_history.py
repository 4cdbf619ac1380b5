"""The history: what is averaged, when it stops early, what it looks like as JSON."""

import json
import math
from dataclasses import asdict

import pytest

from trainer.history import History, frozen_groups
from trainer.options import TrainingOptions


def with_validations(losses: list[float], patience: int) -> tuple[History, list[bool]]:
    history, best = History(total_steps=100), []
    for number, loss in enumerate(losses, 1):
        history.step = 10 * number
        best.append(history.add_validation(loss, patience))
    return history, best


def test_an_entry_has_the_mean_loss_since_the_one_before() -> None:
    history = History()
    for loss, skipped in ((3.0, False), (math.inf, True), (1.0, False)):
        history.add_step(loss, skipped)
    entry = history.log(0.1, 5.0, 100.0)
    assert entry == {
        "step": 3,
        "loss": 2.0,
        "learning_rate": 0.1,
        "gradient_norm": 5.0,
        "tokens_per_s": 100.0,
    }
    history.add_step(7.0, False)
    assert history.log(0.1, 5.0, 100.0)["loss"] == 7.0
    assert history.skipped_steps == 1


def test_a_window_of_skipped_steps_has_no_entry() -> None:
    history = History()
    history.add_step(1.0, True)
    assert history.log(0.1, 5.0, 100.0) is None
    assert history.steps == []


def test_a_norm_that_nobody_knows_is_left_out() -> None:
    history = History()
    history.add_step(1.0, False)
    history.log(0.1, math.nan, 100.0)
    assert "gradient_norm" not in json.loads(history.to_json())["steps"][0]


def test_skipped_steps_in_a_row_are_counted() -> None:
    history, counts = History(), []
    for skipped in (True, True, False, True):
        history.add_step(1.0, skipped)
        counts.append(history.skipped_in_a_row)
    assert counts == [1, 2, 0, 1]
    assert history.skipped_steps == 3


def test_training_stops_after_so_many_validations_without_a_lower_loss() -> None:
    history, best = with_validations([3.0, 2.0, 2.0, 2.5], patience=3)
    assert best == [True, True, False, False]
    assert history.best_step == 20
    assert not history.ended
    history.step = 50
    assert not history.add_validation(2.0, 3)
    assert history.stopped_early
    assert history.ended


def test_a_patience_of_one_stops_at_the_first_loss_that_is_not_lower() -> None:
    history, _ = with_validations([3.0, 2.0, 2.5], patience=1)
    assert (history.stopped_early, history.best_step) == (True, 20)


def test_a_lower_loss_begins_the_patience_again() -> None:
    history, _ = with_validations([3.0, 3.5, 2.0, 2.5], patience=2)
    assert not history.stopped_early


def test_without_patience_nothing_stops() -> None:
    history, _ = with_validations([1.0] + [2.0] * 50, patience=0)
    assert not history.stopped_early
    assert history.best_step == 10


def test_a_history_outlives_its_document() -> None:
    history, _ = with_validations([3.0, 1 / 3], patience=2)
    history.add_step(0.1, False)
    assert asdict(History.from_json(history.to_json())) == asdict(history)
    with pytest.raises(ValueError, match=r"no training history.*unknown"):
        History.from_json('{"unknown": 1}')


def test_energy_is_known_where_all_of_it_was_measured_alike() -> None:
    history = History(total_steps=9)
    for _ in range(2):  # and resumed
        history.begin_energy(["GPU"])
        history.add_step(1.0, False)
        history.add_energy(2.5)
    assert (history.joules, history.energy_of) == (5.0, ["GPU"])
    history.begin_energy(["GPU", "processor"])
    history.add_energy(1.0)
    assert (history.joules, history.energy_of) == (None, ["GPU", "processor"])


def test_energy_that_nothing_measures_is_not_known() -> None:
    history = History(total_steps=9)
    history.begin_energy([])
    history.add_energy(None)
    assert (history.joules, history.energy_of) == (None, [])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (TrainingOptions(), []),
        (TrainingOptions(freeze_embeddings=True), ["embeddings"]),
        (TrainingOptions(freeze_blocks=3), ["blocks 0 to 2"]),
        (TrainingOptions(lora_rank=8), ["everything but updates of rank 8 (LoRA)"]),
    ],
)
def test_what_is_frozen_is_said_in_words(options: TrainingOptions, expected: list[str]) -> None:
    assert frozen_groups(options) == expected
