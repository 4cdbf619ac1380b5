"""A training that is killed by SIGKILL, again and again, ends as if nobody had killed it."""

import multiprocessing
import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import killable_training

# processes are forked from one that has imported TensorFlow and computed nothing
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.trainer.killable_training"])


def start(folder: Path, number: int) -> tuple[BaseProcess, float]:
    """A process that trains on from the folder's checkpoints, and when it began with the steps."""
    started = folder / f"started-{number}"
    arguments = (folder / "checkpoints", started, folder / "result.npz")
    process = CONTEXT.Process(target=killable_training.run, args=arguments)
    process.start()
    deadline = time.monotonic() + 120
    while not started.exists() and process.is_alive():
        assert time.monotonic() < deadline, "the training did not begin"
        time.sleep(0.01)
    return process, time.monotonic()


def wait(process: BaseProcess) -> None:
    process.join(120)
    assert process.exitcode == 0


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.long)])
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(
    tmp_path: Path, kills: int
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    process, began = start(whole, 0)
    wait(process)
    seconds = time.monotonic() - began

    moments, died = random.Random(kills), 0
    for number in range(kills):
        process, _ = start(killed, number)
        process.join(moments.uniform(0, 1.5 * seconds / kills))
        if process.is_alive():
            process.kill()
            process.join()
            died += 1
            assert not (killed / "result.npz").exists()
    assert died >= kills // 2
    if not (killed / "result.npz").exists():
        wait(start(killed, kills)[0])

    expected, found = np.load(whole / "result.npz"), np.load(killed / "result.npz")
    assert set(expected) == set(found)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
