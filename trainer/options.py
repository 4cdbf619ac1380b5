"""The sections `model`, `training` and `generation` of `pipeline.yaml` (no TensorFlow here)."""

from dataclasses import dataclass
from typing import Literal

from preprocessing.base.ranges import (
    Count,
    Count32,
    Fraction,
    NotNegative,
    Positive,
    PositiveFraction,
    Whole,
    Whole32,
)

# The environment variable that names the folder of checkpoints: a path among the parameters would
# change the node's key.
CHECKPOINTS_VARIABLE = "GPT2_TFX_CHECKPOINTS"
# That of the file by which it is seen whether the base model changed while it was read.
BASE_STATS_VARIABLE = "GPT2_TFX_BASE_STATS"

ModelSize = Literal["tiny", "124M", "355M", "774M", "1558M"]


@dataclass(frozen=True)
class ModelOptions:
    """Which GPT-2 to train, and from which weights.

    size: the shape. `124M` to `1558M` are OpenAI's; `tiny` is for demonstrations and tests.
    base: folder of a checkpoint to start from; null starts from random weights.
    layers, heads, width, context: replaces the value of the size.
    """

    size: ModelSize = "tiny"
    base: str | None = None
    layers: Count | None = None
    heads: Count | None = None
    width: Count | None = None
    context: Count | None = None


@dataclass(frozen=True)
class TrainingOptions:
    """How the model is trained.

    steps: optimizer steps in total, those before a resume included; 200 where `epochs` is not given either.
    epochs: the length in epochs, in place of `steps`.
    steps_per_epoch: optimizer steps in an epoch; null makes an epoch one pass over the rows.
    batch_size: rows of tokens that are computed at once.
    accumulate: batches whose gradients are summed into one step.
    optimizer: `adamw`, or `adafactor`, whose state is a row and a column for each matrix.
    learning_rate: the peak of the schedule, used as it is written: nothing scales it.
    schedule: what follows a linear warm-up: `constant`; `step`, multiplied by `decay_rate` every `decay_epochs`
        epochs; or `cosine` from the peak to `min_learning_rate`.
    warmup_steps: steps in which the learning rate rises linearly to its peak.
    min_learning_rate: where the cosine ends.
    decay_epochs: epochs between two steps of the schedule `step`.
    decay_rate: what each step of the schedule `step` multiplies by.
    weight_decay: decoupled decay of the matrices; biases and norms are not decayed.
    beta1: decay of AdamW's running mean of the gradients.
    beta2: decay of AdamW's running mean of their squares.
    epsilon: what AdamW adds to the root of that mean.
    clip_norm: the largest global norm of the gradients; null does not clip.
    dropout: probability of dropping an activation while training.
    precision: of the computation; the weights are always float32. `auto` is bfloat16 on a GPU or a processor that has
        it, float16 on a GPU that has that alone, else float32. `float16` scales the loss.
    device: where it trains; `auto` takes a GPU where there is one.
    xla: what XLA compiles: `on` the step, which pays for small float32 models on a processor too; `auto` the step on a
        GPU, two of its operations on a processor; `off` nothing.
    freeze_embeddings: leave the token and the position embedding as they are.
    freeze_blocks: leave the first so many blocks as they are.
    recompute: hold the activations of one block only and compute the others again in the backward pass: less memory
        for about a third more work.
    low_memory: `recompute`, and update each block as soon as its gradients are there: no full set of them exists, at
        about twice the time of an ordinary step. Not with `clip_norm` (set it to null), `accumulate` or float16, which
        need all gradients.
    lora_rank: above 0 trains low-rank updates of this rank beside frozen weights, and adds them to the weights at the
        end (LoRA); 0 is off.
    lora_alpha: LoRA's updates are multiplied by alpha / rank.
    lora_layers: the dense layers that get LoRA's updates: those of the `attention`, or `all`.
    early_stopping: stop after so many validations without a better loss; 0 is off.
    keep_best: export the weights of the best validation loss, not the last ones.
    validate_every: steps between two validations.
    checkpoint_every: steps between two checkpoints.
    log_every: steps between two entries of the history.
    keep_checkpoints: the newest checkpoints that are kept.
    """

    steps: Count | None = None
    epochs: Count | None = None
    steps_per_epoch: Count | None = None
    batch_size: Count = 8
    accumulate: Count = 1
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    learning_rate: Positive = 1e-3
    schedule: Literal["constant", "step", "cosine"] = "cosine"
    warmup_steps: Whole = 10
    min_learning_rate: NotNegative = 0.0
    decay_epochs: Positive = 1.0
    decay_rate: PositiveFraction = 0.5
    weight_decay: NotNegative = 0.01
    beta1: Fraction = 0.9
    beta2: Fraction = 0.99
    epsilon: Positive = 1e-8
    clip_norm: Positive | None = 1.0
    dropout: Fraction = 0.0
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    xla: Literal["auto", "on", "off"] = "auto"
    freeze_embeddings: bool = False
    freeze_blocks: Whole = 0
    recompute: bool = False
    low_memory: bool = False
    lora_rank: Whole = 0
    lora_alpha: Positive = 16.0
    lora_layers: Literal["attention", "all"] = "all"
    early_stopping: Whole = 0
    keep_best: bool = False
    validate_every: Count = 50
    checkpoint_every: Count = 100
    log_every: Count = 10
    keep_checkpoints: Count = 2


@dataclass(frozen=True)
class GenerationOptions:
    """How text is generated where a caller says nothing else: by the Evaluator, `serving_default` and `generate`.

    max_new_tokens: the most tokens in a completion.
    temperature: divides the logits; 0 takes the most probable token (greedy).
    top_k: draw from the k most probable tokens only; 0 is off.
    top_p: draw from the fewest tokens whose probability reaches p; 1 is off.
    repetition_penalty: divides the logits of tokens that prompt or text has (a negative logit is multiplied): above 1
        makes them less probable; 1 is off.
    beams: hypotheses of a beam search, which draws nothing; 1 is off.
    length_penalty: a beam's log-probability is divided by its length to this power.
    """

    max_new_tokens: Count32 = 48
    temperature: NotNegative = 1.0
    top_k: Whole32 = 0
    top_p: PositiveFraction = 0.9
    repetition_penalty: Positive = 1.0
    beams: Count32 = 1
    length_penalty: NotNegative = 1.0
