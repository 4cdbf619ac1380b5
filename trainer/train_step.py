"""One step of training: gradients of one batch or of several, clipped, applied."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from trainer.blockwise import BlockwiseGradients
from trainer.compiled_operations import compiled_operations
from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.lora import LoRA
from trainer.loss import counted, summed_loss
from trainer.loss_scale import LossScale
from trainer.operations import Operations, dropping
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
        if options.lora_rank:
            model.lora = LoRA(model.config, options, seed)
        self.trained = trained_variables(model, options)
        self.optimizer = make_optimizer(self.trained, options)
        self.loss_scale = LossScale() if model.precision == "float16" else None
        device = choose_device(options)
        xla, self._by_blocks = device.xla, None
        self._compiles_operations = device.compiles_operations
        if options.recompute or options.low_memory:
            # compiled as one, the passes would be put in another order and hold more
            self._by_blocks = BlockwiseGradients(model, self.trained, xla=xla)
            xla = False
        step = self._low_memory_step if options.low_memory else self._step
        self._graph = tf.function(step, autograph=False, jit_compile=True if xla else None)

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
        operations = self._operations(step, number)
        if self._by_blocks is not None:
            return self._part_by_blocks(self._by_blocks, batch, operations)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self.trained.values()))
            hidden = self.model.hidden(
                batch["input_ids"], batch["segment_ids"], batch["positions"], operations
            )
            total, count = summed_loss(self.model.logits, hidden, batch, operations)
            scaled = total if self.loss_scale is None else total * self.loss_scale.value
        # the embedding's gradient comes as slices; their norm is only right once they are summed
        gradients = {
            name: tf.convert_to_tensor(gradient)
            for name, gradient in tape.gradient(scaled, self.trained).items()
        }
        return total, count, gradients

    def _part_by_blocks(
        self, by_blocks: BlockwiseGradients, batch: dict[str, tf.Tensor], operations: Operations
    ) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        gradients: dict[str, tf.Tensor] = {}

        def collect(found: dict[str, tf.Tensor]) -> list[tf.Operation]:
            gradients.update(found)
            return [gradient.op for gradient in found.values()]

        scale = 1.0 if self.loss_scale is None else self.loss_scale.value
        total, count = by_blocks(batch, operations, scale, collect)
        return total, count, gradients

    def _low_memory_step(
        self, batch: dict[str, tf.Tensor], rate: tf.Tensor, step: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """As `_step`, every weight updated as soon as its gradient is there."""
        chosen = counted(batch["loss_mask"], batch["segment_ids"])
        tokens = tf.maximum(tf.reduce_sum(tf.cast(chosen, tf.float32)), 1.0)
        halves_of_squares = []
        self.optimizer.begin()

        def update(found: dict[str, tf.Tensor]) -> list[tf.Operation]:
            done = []
            for name, gradient in found.items():
                halves_of_squares.append(tf.nn.l2_loss(gradient))
                done.append(self.optimizer.update(name, self.trained[name], gradient, rate))
            return [*done, *(half.op for half in halves_of_squares[-len(found) :])]

        assert self._by_blocks is not None
        total, _ = self._by_blocks(batch, self._operations(step, 0), 1 / tokens, update)
        norm = tf.sqrt(2 * tf.add_n(halves_of_squares))
        return total / tokens, norm, tf.constant(False)

    def _operations(self, step: tf.Tensor, number: int) -> Operations:
        """What a part of a step is computed with."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), step])
        if number:
            seed = tf.random.fold_in(seed, number, alg="philox")
        drop = dropping(self.options.dropout, seed)
        return compiled_operations(drop) if self._compiles_operations else Operations(drop=drop)

    def _update(self, gradients: Mapping[str, tf.Tensor], rate: tf.Tensor) -> tf.Tensor:
        self.optimizer.begin()
        for name, variable in self.trained.items():
            self.optimizer.update(name, variable, gradients[name], rate)
        return tf.constant(True)


def trained_variables(model: GPT2, options: TrainingOptions) -> dict[str, tf.Variable]:
    """The variables that the options train, by name: LoRA's alone where there are any."""
    if model.lora is not None:
        return model.lora.by_name
    return {
        name: variable for name, variable in model.by_name.items() if not is_frozen(name, options)
    }


def is_frozen(name: str, options: TrainingOptions) -> bool:
    """Whether the options leave the variable of this name as it is."""
    if name in ("model/wte", "model/wpe"):
        return options.freeze_embeddings
    block = re.match(r"model/h(\d+)/", name)
    return block is not None and int(block[1]) < options.freeze_blocks


def make_train_step(model: GPT2, options: TrainingOptions, seed: int) -> TrainStep:
    """The step that trains this model as the options say; dropout draws from (seed, step)."""
    return TrainStep(model, options, seed)
