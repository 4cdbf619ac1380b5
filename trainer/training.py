"""The training loop: steps, validation, checkpoints, and what is written down meanwhile."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import tensorflow as tf

from preprocessing.base import progress
from preprocessing.base.errors import InputError
from trainer import part_times
from trainer.data import FEATURES, Batch, TokenRows, TrainingRows, in_loss
from trainer.device import Device
from trainer.divergence import require_convergence, require_step
from trainer.energy import EnergyMeter
from trainer.gpt2 import GPT2
from trainer.history import History, frozen_groups
from trainer.options import TrainingOptions
from trainer.part_times import Pace, PartTimes
from trainer.schedule import TrainingLength, learning_rate, training_length
from trainer.tensorboard import VALIDATION_TAG, EventLog
from trainer.train_step import StepResult, TrainStep
from trainer.training_state import TrainingState
from trainer.validation import evaluation_loss, mean_loss

SECONDS_A_CALL = 0.5  # of steps in one call of the graph, between two looks at the training

StepsFunction = Callable[[Batch, np.ndarray, np.int64], StepResult]


def train(
    model: GPT2,
    rows: TrainingRows,
    validation: TokenRows,
    options: TrainingOptions,
    *,
    seed: int,
    device: Device,
    checkpoint_folder: Path | None = None,
    event_folder: Path | None = None,
    times: PartTimes | None = None,
) -> History:
    """Train a model in place, for as long as the options say (`training_length`).

    The batches, the dropout and the learning rate of a step depend on (seed, step) alone, and a
    checkpoint holds weights, optimizer and history: a training that was cut off and is called
    again with the same folder ends with the weights of an uninterrupted one.

    rows: at least one. validation: may be empty, then there is no validation loss.
    device: what it runs on, chosen before anything was computed.
    checkpoint_folder: where to save and resume; None does neither.
    event_folder: where TensorBoard's event files go; None writes none.
    times: of what was done before; the history goes on with it.
    Raises TrainingDiverged (see `divergence`) before what went wrong is saved, and InputError where
    an option needs validation rows, or checkpoints cannot be read or are of another configuration.
    """
    _require_means(options, validation, checkpoint_folder)
    times = times or PartTimes(part_times.PREPARATION)
    times.begin(part_times.PREPARATION)
    length = training_length(options, len(rows))
    train_step = TrainStep(model, options, seed, device, rows.bounds(options.batch_size))
    state = TrainingState(model, train_step, checkpoint_folder, options)
    history = state.restore() or History()
    history.frozen, history.parameters = frozen_groups(options), train_step.trained_parameters
    history.total_steps, history.epoch_rows = length.steps, len(rows)
    times.add(history.part_seconds)
    history.part_seconds = times.seconds
    rows_a_step = options.batch_size * options.accumulate
    run_steps = several_steps(train_step, (rows_a_step, rows.sequence_length))
    loss_of_batch = evaluation_loss(model, device, validation.bounds(options.batch_size))
    pace, part_of_steps = Pace(times), part_times.FIRST_STEPS
    meter = EnergyMeter(device.kind == "gpu")
    if not history.ended:  # where the model of one that has is exported says nothing of it
        history.device, history.precision = str(device), model.precision
        history.begin_energy(meter.measures)

    def batches_of(numbers: range) -> Batch:
        batches = [rows.training_batch(number, rows_a_step, seed) for number in numbers]
        return {name: np.stack([batch[name] for batch in batches]) for name in FEATURES if batches}

    numbers = _next_numbers(history.step, pace.steps_in(SECONDS_A_CALL), options, length)
    following = batches_of(numbers)
    with closing(EventLog(event_folder, history)) as events, state.kept():
        while not history.ended:
            batches, first = following, history.step
            # a step without an update takes no part in the schedule
            scheduled = (number - history.skipped_steps for number in numbers)
            rates = [learning_rate(number, options, length) for number in scheduled]
            times.begin(part_of_steps)
            results = run_steps(batches, np.array(rates, np.float32), np.int64(first))
            # a GPU computes meanwhile
            times.begin(part_times.BATCHES)
            numbers = _next_numbers(numbers.stop, pace.steps_in(SECONDS_A_CALL), options, length)
            following = batches_of(numbers)
            times.begin(part_of_steps)
            losses, norms, skipped = (values.numpy().tolist() for values in results)
            for loss, norm, was_skipped in zip(losses, norms, skipped, strict=True):
                history.add_step(loss, was_skipped)
                require_step(history, loss, norm)
            tokens = int(np.count_nonzero(batches["segment_ids"]))
            loss_tokens = int(in_loss(batches["loss_mask"], batches["segment_ids"]).sum())
            pace.count(len(losses), tokens)
            history.add_rows(len(losses) * rows_a_step, tokens, loss_tokens)
            history.seconds = times.of(*part_times.TRAINING)
            history.add_energy(meter.joules())
            _report(history, losses[-1], pace)
            if len(validation) and _due(history, options.validate_every):
                progress.report(phase="validate")
                times.begin(part_times.VALIDATION)
                validated = mean_loss(loss_of_batch, validation, options.batch_size)
                if validated is not None:
                    is_best = history.add_validation(validated, options.early_stopping)
                    events.add(history.validation[-1], VALIDATION_TAG)
                    if is_best and options.keep_best:
                        state.save_best(history.step)
            if _due(history, options.log_every):
                entry = history.log(
                    rates[len(rates) - 1 - sum(skipped[:-1])], norms[-1], pace.tokens_per_second
                )
                if entry is not None:
                    events.add(entry)
                    require_convergence(history, options.log_every)
            if _due(history, options.checkpoint_every) or state.is_asked_to_end:
                progress.report(phase="save a checkpoint")
                times.begin(part_times.CHECKPOINTS)
                state.save(history)
            if state.is_asked_to_end:
                state.end_process()
            part_of_steps = part_times.STEPS
    if options.keep_best and history.best_step is not None:
        state.restore_best(history.best_step)
    if model.lora is not None:
        model.lora.merge_into(model.by_name)
        model.lora = None
    return history


def several_steps(train_step: TrainStep, batch_shape: tuple[int, int]) -> StepsFunction:
    """The graph of one step after the other: small models spend more time on a call than in it.

    It takes the batches int32 [steps, rows, L] by feature name, the next learning rates float32
    [steps], and the number of the first step; it gives a StepResult of [steps] values. A step that is
    skipped leaves its learning rate to the one after it.
    """
    signature = (
        {name: tf.TensorSpec([None, *batch_shape], tf.int32, name) for name in FEATURES},
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([], tf.int64),
    )

    @tf.function(input_signature=signature, autograph=False)
    def run_steps(batches: dict[str, tf.Tensor], rates: tf.Tensor, first: tf.Tensor) -> StepResult:
        steps = tf.shape(rates)[0]
        # TensorFlow keeps int32 in the host's memory, and what a GPU copies from there waits for all
        # that it computes: nothing in the loop is copied, so that the host is a step ahead
        kept = {name: tf.cast(stacked, tf.int64) for name, stacked in batches.items()}

        def step(
            place: tf.Tensor, number: tf.Tensor, skipped: tf.Tensor, *arrays: tf.TensorArray
        ) -> tuple[tf.Tensor, ...]:
            batch = {name: tf.cast(stacked[place], tf.int32) for name, stacked in kept.items()}
            rate = tf.gather(rates, number - skipped)
            result = train_step(batch, rate, first + number)
            written = (
                array.write(place, value) for array, value in zip(arrays, result, strict=True)
            )
            return place + 1, number + 1, skipped + tf.cast(result.skipped, tf.int64), *written

        zero = tf.constant(0, tf.int64)
        arrays = [tf.TensorArray(dtype, steps) for dtype in (tf.float32, tf.float32, tf.bool)]
        _, _, _, *arrays = tf.while_loop(
            lambda place, *_: place < steps,
            step,
            [tf.constant(0), zero, zero, *arrays],
            parallel_iterations=1,
        )
        return StepResult(*(array.stack() for array in arrays))

    return run_steps


def _next_numbers(first: int, most: int, options: TrainingOptions, length: TrainingLength) -> range:
    """The steps of the next call: up to the next one after which something is due."""
    intervals = (options.log_every, options.validate_every, options.checkpoint_every)
    ends = [(first // interval + 1) * interval for interval in intervals]
    return range(first, min(*ends, length.steps, first + most))


def _due(history: History, every: int) -> bool:
    return history.ended or history.step % every == 0


def _report(history: History, loss: float, pace: Pace) -> None:
    fields = {"loss": loss, "tokens_per_s": pace.tokens_per_second}
    if history.validation:
        fields["validation_loss"] = history.validation[-1]["loss"]
    progress.report(
        phase="train",
        step=history.step,
        steps=history.total_steps,
        seconds_left=pace.seconds_a_step * (history.total_steps - history.step),
        **fields,
    )


def _require_means(
    options: TrainingOptions, validation: TokenRows, checkpoint_folder: Path | None
) -> None:
    """InputError where options ask for what cannot be had: a validation loss, a place for weights."""
    name = "early_stopping" if options.early_stopping else "keep_best"
    if (options.early_stopping or options.keep_best) and not validation.features["loss_mask"].any():
        raise InputError(
            f"training.{name} goes by the validation loss, and no token of the split validation counts "
            f"in a loss; raise corpus.validation_fraction or take training.{name} out"
        )
    if options.keep_best and checkpoint_folder is None:
        raise InputError("training.keep_best needs a folder of checkpoints, and there is none")
