"""When a training has gone wrong for good."""

import math

import numpy as np

from trainer.history import History

WINDOW_STEPS = 50
FAR_ABOVE = 3.0  # nats a token: a perplexity twenty times that of the best window
MAX_SKIPPED_IN_A_ROW = 20

REMEDY = (
    "lower training.learning_rate or lengthen training.warmup_steps (checkpoints that were saved "
    "before are kept)"
)


class TrainingDiverged(RuntimeError):  # noqa: N818  what happened, not what was wrong
    """The loss, the gradients or the weights have left all bounds; the message gives the remedy."""


def require_step(history: History, loss: float, norm: float) -> None:
    """Raise TrainingDiverged where the newest step was not finite, or the newest 20 were skipped."""
    if history.skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW:
        raise TrainingDiverged(
            f"training diverged at step {history.step}: float16 overflowed "
            f"{history.skipped_in_a_row} times in a row; {REMEDY}, or set training.precision to "
            "bfloat16"
        )
    if not history.skipped_in_a_row and not (math.isfinite(loss) and math.isfinite(norm)):
        raise TrainingDiverged(
            f"training diverged at step {history.step}: loss {loss}, gradient norm {norm}; {REMEDY}"
        )


def require_convergence(history: History, log_every: int) -> None:
    """Raise TrainingDiverged where the loss has risen far above what it was; after each entry of the history.

    The entries of the history are taken together to windows of at least 50 steps; the mean loss of
    the newest full window may be 3 nats above that of the best. The noise of single batches is far
    below: it takes a loss that has left what was learned and stays away.
    """
    entries = math.ceil(WINDOW_STEPS / log_every)
    full, rest = divmod(len(history.steps), entries)
    if rest:
        return
    windows = np.reshape([entry["loss"] for entry in history.steps], [full, entries]).mean(axis=1)
    if windows[-1] > windows.min() + FAR_ABOVE:
        raise TrainingDiverged(
            f"training diverged: the mean loss up to step {history.step} is {windows[-1]:.4g}, and it "
            f"has been {windows.min():.4g}; {REMEDY}"
        )
