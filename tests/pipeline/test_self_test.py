"""The self-test of `gpt2-tfx doctor`."""

from pipeline.self_test import SelfTest, self_test
from tests.trainer.train_steps import HERE


def test_a_machine_that_computes_passes() -> None:
    assert self_test(HERE).passed


def test_a_machine_that_does_not_learn_fails() -> None:
    assert not SelfTest(first_loss=4.85, last_loss=4.80, seconds=1.0).passed
    assert not SelfTest(first_loss=float("nan"), last_loss=float("nan"), seconds=1.0).passed
