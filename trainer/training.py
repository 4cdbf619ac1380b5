"""The training loop: steps, validation, checkpoints and resume, progress."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import tensorflow as tf

from preprocessing import progress
from trainer.data import FEATURES, Batch, TokenRows, training_dataset
from trainer.gpt2 import GPT2
from trainer.loss import summed_loss
from trainer.optimizer import AdamW, clip_by_global_norm
from trainer.options import TrainingOptions
from trainer.schedule import learning_rate

KEPT_CHECKPOINTS = 2


class TrainingDiverged(RuntimeError):  # noqa: N818  what happened, not what was wrong
    """The loss or the gradients are no longer finite; the message gives step and remedy."""


@dataclass
class History:
    """What happened in a training, as `history.json` holds it.

    steps: {"step", "loss", "learning_rate", "gradient_norm", "tokens_per_s"} at every logged step.
        The loss (nats a token) and the norm (before clipping) are of that step's batch; tokens are
        those that are no padding.
    validation: {"step", "loss"}, the mean over every counted token of the validation rows.
    parameters: number of trained weights.
    seconds: time spent training, a resumed training's earlier parts included.
    """

    steps: list[dict[str, int | float]] = field(default_factory=list)
    validation: list[dict[str, int | float]] = field(default_factory=list)
    parameters: int = 0
    seconds: float = 0.0

    def to_json(self) -> str:
        """The history as a JSON document."""
        return json.dumps(asdict(self), indent=2) + "\n"


def train(
    model: GPT2,
    rows: TokenRows,
    validation: TokenRows,
    options: TrainingOptions,
    *,
    seed: int,
    checkpoint_folder: Path | None = None,
) -> History:
    """Train a model in place for options.steps steps.

    The batches, the dropout and the schedule of a step depend on (seed, step) alone, and a
    checkpoint holds weights, optimizer, step and history: a training that was cut off and is called
    again with the same folder ends with the weights of an uninterrupted one.

    rows: at least one. validation: may be empty, then there is no validation loss.
    checkpoint_folder: where to save and resume; None does neither.
    Raises TrainingDiverged at the first loss or gradient that is not finite, before it is saved.
    """
    optimizer = AdamW(model.by_name, options)
    state = _State(model, optimizer, checkpoint_folder)
    history = state.restore()
    history.parameters = model.parameters
    first_step = state.step
    step_function = training_step(model, optimizer, options, seed)
    loss_function = evaluation_loss(model)
    dataset = training_dataset(
        rows, batch_size=options.batch_size, seed=seed, first_step=first_step, steps=options.steps
    )
    earlier_seconds, pace = history.seconds, _Pace()
    for step, batch in enumerate(dataset, first_step):
        rate = learning_rate(step, options)
        loss, norm = (
            float(value)
            for value in step_function(batch, tf.constant(rate), tf.constant(step, tf.int64))
        )
        done = step + 1
        _require_finite(done, loss, norm, rate)
        pace.count(int(tf.math.count_nonzero(batch["segment_ids"])))
        history.seconds = earlier_seconds + pace.seconds
        is_last = done == options.steps
        if done % options.log_every == 0 or is_last:
            history.steps.append(
                {
                    "step": done,
                    "loss": loss,
                    "learning_rate": rate,
                    "gradient_norm": norm,
                    "tokens_per_s": pace.tokens_per_second,
                }
            )
        progress.report(
            phase="train",
            step=done,
            steps=options.steps,
            loss=loss,
            tokens_per_s=pace.tokens_per_second,
            seconds_left=pace.seconds_a_step * (options.steps - done),
        )
        if len(validation) and (done % options.validate_every == 0 or is_last):
            progress.report(phase="validate")
            validated = mean_loss(loss_function, validation, options.batch_size)
            if validated is not None:
                history.validation.append({"step": done, "loss": validated})
            pace.pause_ended()
        if done % options.checkpoint_every == 0 or is_last:
            progress.report(phase="save a checkpoint")
            state.save(done, history)
            pace.pause_ended()
    return history


StepFunction = Callable[[dict[str, tf.Tensor], tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
LossFunction = Callable[[Batch], tuple[tf.Tensor, tf.Tensor]]


def training_step(
    model: GPT2, optimizer: AdamW, options: TrainingOptions, seed: int
) -> StepFunction:
    """The graph of a step: (batch, learning rate, step) to (loss, gradient norm), float32 scalars.

    The loss is the mean over the tokens of the batch that count.
    """

    @tf.function
    def step(
        batch: dict[str, tf.Tensor], rate: tf.Tensor, number: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        dropout_seed = tf.stack([tf.constant(seed, tf.int64), number])
        variables = model.by_name
        with tf.GradientTape() as tape:
            hidden = model.hidden(
                batch["input_ids"],
                batch["segment_ids"],
                batch["positions"],
                dropout=options.dropout,
                dropout_seed=dropout_seed,
                training=True,
            )
            total, count = _loss_of(model, hidden, batch)
            loss = total / tf.maximum(count, 1.0)
        # the embedding's gradient comes as slices; their norm is only right once they are summed
        gradients = [
            tf.convert_to_tensor(gradient)
            for gradient in tape.gradient(loss, list(variables.values()))
        ]
        gradients, norm = clip_by_global_norm(gradients, options.clip_norm)
        optimizer.apply(variables, dict(zip(variables, gradients, strict=True)), rate)
        return loss, norm

    return step


def evaluation_loss(model: GPT2) -> LossFunction:
    """The graph of a batch's loss: batch to (sum of the losses, tokens that count)."""

    @tf.function
    def loss(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = model.hidden(batch["input_ids"], batch["segment_ids"], batch["positions"])
        return _loss_of(model, hidden, batch)

    return loss


def _loss_of(model: GPT2, hidden: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    return summed_loss(
        model.logits, hidden, batch["input_ids"], batch["loss_mask"], batch["segment_ids"]
    )


def mean_loss(loss_function: LossFunction, rows: TokenRows, batch_size: int) -> float | None:
    """Mean loss (nats) over every token of the rows that counts; None where none does."""
    total, count = 0.0, 0.0
    for batch in rows.batches(batch_size):
        batch_total, batch_count = loss_function(
            {name: tf.constant(batch[name]) for name in FEATURES}
        )
        total += float(batch_total)
        count += float(batch_count)
    return total / count if count else None


def _require_finite(step: int, loss: float, norm: float, rate: float) -> None:
    """Raise TrainingDiverged unless loss and gradient norm of a step are finite."""
    if math.isfinite(loss) and math.isfinite(norm):
        return
    raise TrainingDiverged(
        f"training diverged at step {step}: loss {loss}, gradient norm {norm}, learning rate "
        f"{rate:.3g}; lower training.learning_rate or lengthen training.warmup_steps (what was "
        "saved before is kept)"
    )


class _State:
    """What a checkpoint holds: weights, optimizer, step, history; saved together or not at all."""

    def __init__(self, model: GPT2, optimizer: AdamW, folder: Path | None) -> None:
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._history = tf.Variable(History().to_json(), dtype=tf.string, trainable=False)
        self._manager = None
        if folder is not None:
            checkpoint = tf.train.Checkpoint(
                model=model, optimizer=optimizer, step=self._step, history=self._history
            )
            self._manager = tf.train.CheckpointManager(
                checkpoint, str(folder), max_to_keep=KEPT_CHECKPOINTS
            )

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self._step.numpy())

    def restore(self) -> History:
        """Take up the newest checkpoint if there is one; its history, or an empty one."""
        if self._manager is not None and self._manager.latest_checkpoint:
            status = self._manager.checkpoint.restore(self._manager.latest_checkpoint)
            status.assert_consumed()
        return History(**json.loads(self._history.numpy()))

    def save(self, step: int, history: History) -> None:
        """Save a checkpoint, if there is a folder for it."""
        if self._manager is not None:
            self._step.assign(step)
            self._history.assign(history.to_json())
            self._manager.save(checkpoint_number=step)


class _Pace:
    """Speed of the steps of this process; its first step, which builds the graph, is left out."""

    def __init__(self) -> None:
        self._started = self._resumed = time.perf_counter()
        self._steps = 0
        self._timed_steps = 0
        self._timed_tokens = 0
        self._timed_seconds = 0.0

    def count(self, tokens: int) -> None:
        """A step of so many tokens has ended."""
        now = time.perf_counter()
        self._steps += 1
        if self._steps > 1:
            self._timed_steps += 1
            self._timed_tokens += tokens
            self._timed_seconds += now - self._resumed
        self._resumed = now

    def pause_ended(self) -> None:
        """What happened since the last step was no training."""
        self._resumed = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the start, everything included."""
        return time.perf_counter() - self._started

    @property
    def seconds_a_step(self) -> float:
        """Mean time of a step; 0 before the second."""
        return self._timed_seconds / self._timed_steps if self._timed_steps else 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens that are no padding, a second; 0 before the second step."""
        return self._timed_tokens / self._timed_seconds if self._timed_seconds else 0.0
