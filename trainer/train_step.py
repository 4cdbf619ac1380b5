"""One step of training: gradients of one batch or of several, clipped, applied."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.loss import batch_loss
from trainer.loss_scale import LossScale
from trainer.optimizers import clip_by_global_norm, make_optimizer
from trainer.options import TrainingOptions

Batch = Mapping[str, tf.Tensor]


class StepResult(NamedTuple):
    """What a step tells.

    loss: float32, the mean over the counted tokens of the whole step (nats).
    gradient_norm: float32, the global norm before clipping.
    skipped: bool, a float16 overflow: the weights are as they were.
    """

    loss: tf.Tensor
    gradient_norm: tf.Tensor
    skipped: tf.Tensor


class TrainStep(tf.Module):
    """A step as a graph; as a module it holds what a checkpoint must: the optimizer's state.

    trained: the variables that are trained, by name; those of frozen groups are not among them.
    """

    def __init__(self, model: GPT2, options: TrainingOptions, seed: int) -> None:
        super().__init__(name="train_step")
        self.model = model
        self.options = options
        self.seed = seed
        self.trained = {
            name: variable
            for name, variable in model.by_name.items()
            if not is_frozen(name, options)
        }
        self.optimizer = make_optimizer(self.trained, options)
        self.loss_scale = LossScale() if model.precision == "float16" else None
        xla = choose_device(options).xla
        self._graph = tf.function(self._step, jit_compile=True if xla else None)

    @property
    def trained_parameters(self) -> int:
        """Number of weights that are trained."""
        return sum(math.prod(variable.shape) for variable in self.trained.values())

    def __call__(self, batch: Batch, rate: tf.Tensor, step: tf.Tensor) -> StepResult:
        """Update the model.

        batch: int32 [accumulate * batch_size, L] by feature name; rate: float32, the learning rate;
        step: int64, which dropout depends on.
        """
        return StepResult(*self._graph(dict(batch), rate, step))

    def _step(
        self, batch: dict[str, tf.Tensor], rate: tf.Tensor, step: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        total, count, gradients = self._summed(batch, step)
        tokens = tf.maximum(count, 1.0)
        scale = tokens if self.loss_scale is None else tokens * self.loss_scale.value
        gradients = {name: gradient / scale for name, gradient in gradients.items()}
        gradients, norm = clip_by_global_norm(gradients, self.options.clip_norm)
        if self.loss_scale is None:
            self._update(gradients, rate)
            return total / tokens, norm, tf.constant(False)
        finite = tf.math.is_finite(norm)
        tf.cond(finite, lambda: self._update(gradients, rate), lambda: tf.constant(False))
        self.loss_scale.adapt(finite)
        return total / tokens, norm, ~finite

    def _summed(
        self, batch: dict[str, tf.Tensor], step: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        """Sum of the losses, how many they are, and gradients of the sum times the loss scale."""
        parts = self.options.accumulate
        split = {name: tf.split(rows, parts) for name, rows in batch.items()}
        total, count, gradients = self._part(
            {name: rows[0] for name, rows in split.items()}, step, 0
        )
        for number in range(1, parts):
            # one part after the other, so that the activations of two never exist together
            with tf.control_dependencies(list(gradients.values())):
                part = {name: tf.identity(rows[number]) for name, rows in split.items()}
            part_total, part_count, part_gradients = self._part(part, step, number)
            total, count = total + part_total, count + part_count
            gradients = {name: sum_ + part_gradients[name] for name, sum_ in gradients.items()}
        return total, count, gradients

    def _part(
        self, batch: dict[str, tf.Tensor], step: tf.Tensor, number: int
    ) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        dropout_seed = tf.stack([tf.constant(self.seed, tf.int64), step])
        if number:
            dropout_seed = tf.random.fold_in(dropout_seed, number, alg="philox")
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self.trained.values()))
            hidden = self.model.hidden(
                batch["input_ids"],
                batch["segment_ids"],
                batch["positions"],
                dropout=self.options.dropout,
                dropout_seed=dropout_seed,
                training=True,
            )
            total, count = batch_loss(self.model, hidden, batch)
            scaled = total if self.loss_scale is None else total * self.loss_scale.value
        # the embedding's gradient comes as slices; their norm is only right once they are summed
        gradients = {
            name: tf.convert_to_tensor(gradient)
            for name, gradient in tape.gradient(scaled, self.trained).items()
        }
        return total, count, gradients

    def _update(self, gradients: Mapping[str, tf.Tensor], rate: tf.Tensor) -> tf.Tensor:
        self.optimizer.begin()
        for name, variable in self.trained.items():
            self.optimizer.update(name, variable, gradients[name], rate)
        return tf.constant(True)


def is_frozen(name: str, options: TrainingOptions) -> bool:
    """Whether the options leave the variable of this name as it is."""
    if name in ("model/wte", "model/wpe"):
        return options.freeze_embeddings
    block = re.match(r"model/h(\d+)/", name)
    return block is not None and int(block[1]) < options.freeze_blocks


def make_train_step(model: GPT2, options: TrainingOptions, seed: int) -> TrainStep:
    """The step that trains this model as the options say; dropout draws from (seed, step)."""
    return TrainStep(model, options, seed)
