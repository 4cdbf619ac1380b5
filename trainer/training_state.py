"""What a training that was cut off goes on from."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from preprocessing.base import progress
from preprocessing.base.errors import FailureError, InputError
from trainer.divergence import TrainingDiverged
from trainer.gpt2 import GPT2
from trainer.history import History
from trainer.options import TrainingOptions
from trainer.stored_tensors import UnreadableFileError, writing
from trainer.termination import Termination
from trainer.variable_files import (
    read_variables,
    remove,
    remove_leftovers,
    write_variables,
    written,
)


class TrainingState:
    """Checkpoints of weights, optimizer, loss scale and history; and the best weights by themselves.

    The data position and the random state need no place of their own: the batch, the dropout and
    the learning rate of a step depend on seed and step alone, and the history holds the step.

    folder: where `ckpt-<step>` and `best-<step>` go; None keeps nothing.
    options: `keep_checkpoints` stay. They are written while the training goes on, which holds the values
        that it changes meanwhile twice, but not in `low_memory`; an error is raised by the next call.
    """

    def __init__(
        self, model: GPT2, train_step: tf.Module, folder: Path | None, options: TrainingOptions
    ) -> None:
        self._folder = folder
        self._options = options
        self._termination = Termination()
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._writing: Future[None] | None = None
        weights = {f"weights/{name}": variable for name, variable in model.by_name.items()}
        of_model = {variable.ref() for variable in weights.values()}
        others = {
            f"training/{'/'.join(map(str, path))}": variable
            for path, variable in train_step._flatten(
                predicate=lambda value: isinstance(value, tf.Variable), with_path=True
            )
            if variable.ref() not in of_model
        }
        self._everything = {**weights, **others}
        # what is trained beside the weights, such as LoRA's matrices, belongs to the best model too
        self._model = {**weights, **{n: v for n, v in others.items() if v.trainable}}
        if folder is not None:
            remove_leftovers(folder)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A context that ends when all is written; a SIGTERM in it is a request (`is_asked_to_end`)."""
        with self._termination.as_a_request(), self._thread:
            yield
            self._wait()

    @property
    def is_asked_to_end(self) -> bool:
        """Whether a SIGTERM came: the training is to save a checkpoint and `end_process`."""
        return self._termination.asked

    def end_process(self) -> None:
        """End the process when what is being written is whole."""
        self._wait()
        self._termination.end_process()

    def restore(self) -> History | None:
        """Take up the newest checkpoint that can be read; None where there is none at all.

        Raises InputError where none can be read, or the newest is of another configuration.
        """
        found = written(self._folder, "ckpt") if self._folder is not None else {}
        faults = []
        for prefix in reversed(found.values()):
            try:
                return History.from_json(read_variables(prefix, self._everything))
            except UnreadableFileError as error:
                progress.report(message=f"{error}; going back to the checkpoint before it")
                faults.append(str(error))
            except ValueError as error:
                raise InputError(
                    f"{prefix}: {error}; remove {self._folder} to train anew"
                ) from error
        if faults:
            raise InputError(
                f"no checkpoint in {self._folder} can be read; remove it to train from the start",
                *faults,
            )
        return None

    def save(self, history: History) -> None:
        """Write a checkpoint, and remove what it makes useless once it is written.

        Raises TrainingDiverged, before anything is written, where a weight is not finite.
        """
        if self._folder is None:
            return
        self._require_finite_weights(history.step)
        folder, step, best_step = self._folder, history.step, history.best_step

        def tidy() -> None:
            checkpoints = written(folder, "ckpt")
            # a later one is of a training that had to go back, and could not be read
            earlier = [number for number in checkpoints if number <= step]
            for number in set(checkpoints) - set(earlier[-self._options.keep_checkpoints :]):
                remove(checkpoints[number])
            for number, prefix in written(folder, "best").items():
                if number != best_step:
                    remove(prefix)

        self._write(folder / f"ckpt-{step}", self._everything, history.to_json(), tidy)

    def save_best(self, step: int) -> None:
        """Write the weights of a step; those of an earlier one go when a checkpoint names these."""
        self._write(self._best(step), self._model)

    def restore_best(self, step: int) -> None:
        """Take up the weights of `save_best` when all is written; InputError where they cannot be read."""
        try:
            read_variables(self._best(step), self._model)
        except UnreadableFileError as error:
            raise InputError(f"{error}; remove {self._folder} to train from the start") from error

    def _write(
        self,
        prefix: Path,
        variables: Mapping[str, tf.Variable],
        text: str = "",
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Write the variables as they are now; a processor's are copied only where a step changes them."""
        self._wait()
        with tf.device("CPU:0"):
            values = {name: tf.identity(variable) for name, variable in variables.items()}

        def write() -> None:
            try:
                with writing("the checkpoint", prefix):
                    write_variables(prefix, values, text)
                    values.clear()
                    then()
            except FailureError:
                # On a full disk what was begun is what is in the way.
                remove_leftovers(prefix.parent)
                raise

        self._writing = self._thread.submit(write)
        if self._options.low_memory:
            self._wait()

    def _wait(self) -> None:
        """Wait for what is being written. Raises what writing it raised, once: FailureError where it cannot be."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _best(self, step: int) -> Path:
        assert self._folder is not None, "there is no folder for the best weights"
        return self._folder / f"best-{step}"

    def _require_finite_weights(self, step: int) -> None:
        for name, variable in self._model.items():
            if not np.isfinite(tf.reduce_sum(variable)):
                raise TrainingDiverged(
                    f"training diverged: at step {step} {name} holds values that are not finite; lower "
                    "training.learning_rate (checkpoints that were saved before are kept)"
                )
