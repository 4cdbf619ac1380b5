"""One step of training: gradients of one batch or of several, clipped, applied."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from trainer.blockwise import BlockwiseGradients, Gradients
from trainer.bounds import NO_BOUNDS, Bounds
from trainer.chosen_operations import chosen_operations, chosen_output_layer
from trainer.device import Device
from trainer.gpt2 import GPT2
from trainer.lora import LoRA
from trainer.loss import counted_tokens, summed_loss
from trainer.loss_scale import LossScale
from trainer.operations import Operations, dropping
from trainer.optimizers import make_optimizer
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

    device: what it runs on. bounds: what holds for every `batch_size` rows.
    trained: the variables that are trained, by name; those of frozen groups are not among them.
    """

    def __init__(
        self,
        model: GPT2,
        options: TrainingOptions,
        seed: int,
        device: Device,
        bounds: Bounds = NO_BOUNDS,
    ) -> None:
        super().__init__(name="train_step")
        self.model = model
        self.options = options
        self.seed = seed
        if options.lora_rank:
            model.lora = LoRA(model.config, options, seed)
        self.trained = trained_variables(model, options)
        self.optimizer = make_optimizer(self.trained, options)
        self.loss_scale = LossScale() if model.precision == "float16" else None
        self._one_block = options.recompute or options.low_memory
        self._operations = chosen_operations(device, bounds, one_block=self._one_block)
        self._layer = chosen_output_layer(device, bounds, one_block=self._one_block)
        self._by_blocks = BlockwiseGradients(model, self.trained, layer=self._layer, xla=device.xla)
        step = self._low_memory_step if options.low_memory else self._step
        # compiled as one, the passes through the blocks would be put in another order and hold more
        xla = device.xla and not self._one_block
        self.graph = tf.function(step, autograph=False, jit_compile=xla or None)

    @property
    def trained_parameters(self) -> int:
        """Number of weights that are trained."""
        return sum(math.prod(variable.shape) for variable in self.trained.values())

    def __call__(self, batch: Batch, rate: tf.Tensor, step: tf.Tensor) -> StepResult:
        """Update the model.

        batch: int32 [accumulate * batch_size, L] by feature name; rate: float32, the learning rate;
        step: int64, which dropout depends on.
        """
        return self.graph(dict(batch), rate, step)

    def _step(self, batch: Batch, rate: tf.Tensor, step: tf.Tensor) -> StepResult:
        share = 1 / tf.maximum(counted_tokens(batch), 1.0)  # of a token in the mean
        if self.loss_scale is None:
            total, gradients = self._summed(batch, step, share)
            gradients, norm = clipped(gradients, self.options.clip_norm)
            self._update(gradients, rate)
            return StepResult(total * share, norm, tf.constant(False))
        total, gradients = self._summed(batch, step, share * self.loss_scale.value)
        gradients = {name: value / self.loss_scale.value for name, value in gradients.items()}
        gradients, norm = clipped(gradients, self.options.clip_norm)
        finite = tf.math.is_finite(norm)
        tf.cond(finite, lambda: self._update(gradients, rate), lambda: tf.constant(False))
        self.loss_scale.adapt(finite)
        return StepResult(total * share, norm, ~finite)

    def _summed(
        self, batch: Batch, step: tf.Tensor, scale: tf.Tensor
    ) -> tuple[tf.Tensor, Gradients]:
        """Sum of the losses, and gradients of it times the scale, of one part of the batch after the other."""
        parts = self.options.accumulate
        if parts == 1:
            return self._part(batch, self._seed(step), scale)
        stacked = {
            name: tf.reshape(rows, [parts, rows.shape[0] // parts, rows.shape[1]])
            for name, rows in batch.items()
        }

        def add(sums: Any, given: tuple[tf.Tensor, Gradients]) -> tuple[tf.Tensor, Gradients]:
            number, part = given
            seed = tf.random.fold_in(self._seed(step), number, alg="philox")
            return tf.nest.map_structure(tf.add, sums, self._part(part, seed, scale))

        nothing = {name: tf.zeros(variable.shape) for name, variable in self.trained.items()}
        start = (tf.constant(0.0), nothing)
        return tf.foldl(add, (tf.range(parts), stacked), start, parallel_iterations=1)

    def _part(self, batch: Batch, seed: tf.Tensor, scale: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
        """Sum of the losses of rows, and gradients of it times the scale; seed: int64 [2], of dropout."""
        operations = self._dropping(seed)
        gradients: Gradients = {}
        if self._one_block:

            def collect(found: Gradients) -> list[tf.Operation]:
                gradients.update(found)
                return [gradient.op for gradient in found.values()]

            return self._by_blocks(batch, operations, scale, collect), gradients
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self.trained.values()))
            hidden = self.model.hidden(
                batch["input_ids"], batch["segment_ids"], batch["positions"], operations
            )
            wte = self.model.output_embedding()
            total, _ = summed_loss(hidden, wte, batch, operations, self._layer)
            scaled = total * scale
        # the embedding's gradient comes as slices; their norm is only right once they are summed
        for name, gradient in tape.gradient(scaled, self.trained).items():
            gradients[name] = tf.convert_to_tensor(gradient)
        return total, gradients

    def _low_memory_step(self, batch: Batch, rate: tf.Tensor, step: tf.Tensor) -> StepResult:
        """As `_step`, every weight updated as soon as its gradient is there."""
        share = 1 / tf.maximum(counted_tokens(batch), 1.0)
        halves_of_squares = []
        self.optimizer.begin()

        def update(found: Gradients) -> list[tf.Operation]:
            done = []
            for name, gradient in found.items():
                halves_of_squares.append(tf.nn.l2_loss(gradient))
                done.append(self.optimizer.update(name, self.trained[name], gradient, rate))
            return [*done, *(half.op for half in halves_of_squares[-len(found) :])]

        operations = self._dropping(self._seed(step))
        total = self._by_blocks(batch, operations, share, update)
        norm = tf.sqrt(2 * tf.add_n(halves_of_squares))
        return StepResult(total * share, norm, tf.constant(False))

    def _seed(self, step: tf.Tensor) -> tf.Tensor:
        """What the dropout of a step is drawn from: int64 [2]."""
        return tf.stack([tf.constant(self.seed, tf.int64), step])

    def _dropping(self, seed: tf.Tensor) -> Operations:
        """What a part of a step is computed with."""
        return self._operations._replace(drop=dropping(self.options.dropout, seed))

    def _update(self, gradients: Mapping[str, tf.Tensor], rate: tf.Tensor) -> tf.Tensor:
        self.optimizer.begin()
        for name, variable in self.trained.items():
            self.optimizer.update(name, variable, gradients[name], rate)
        return tf.constant(True)


def clipped(gradients: Gradients, limit: float | None) -> tuple[Gradients, tf.Tensor]:
    """Gradients scaled together to a global norm of at most the limit (Pascanu et al. 2013), and their norm.

    A limit of None leaves them as they are. The norm, float32, is the one before.
    """
    values = list(gradients.values())
    norm = tf.linalg.global_norm(values)
    if limit is not None:
        values, _ = tf.clip_by_global_norm(values, limit, use_norm=norm)
    return dict(zip(gradients, values, strict=True)), norm


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
