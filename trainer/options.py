"""The sections `model`, `training` and `generation` of `pipeline.yaml` (no TensorFlow here)."""

from dataclasses import dataclass
from typing import Literal

# The environment variable that names the folder of checkpoints: a path among the parameters would
# change the node's key.
CHECKPOINTS_VARIABLE = "GPT2_TFX_CHECKPOINTS"

ModelSize = Literal["tiny", "124M", "355M", "774M", "1558M"]


@dataclass(frozen=True)
class ModelOptions:
    """Which GPT-2 to train, and from which weights.

    size: the shape. `124M` to `1558M` are OpenAI's; `tiny` is for demonstrations and tests.
    base: folder of a checkpoint to start from; None starts from random weights.
    layers, heads, width, context: replace the value of the size where they are given.
    """

    size: ModelSize = "tiny"
    base: str | None = None
    layers: int | None = None
    heads: int | None = None
    width: int | None = None
    context: int | None = None


@dataclass(frozen=True)
class TrainingOptions:
    """How the model is trained.

    steps: optimizer steps in total, those before a resume included; 200 where neither this nor
        `epochs` is given.
    epochs, steps_per_epoch: instead of `steps`: so many epochs of so many steps; without
        `steps_per_epoch` an epoch is one pass over the rows.
    batch_size: rows of tokens that are computed at once.
    accumulate: batches whose gradients are summed into one step.
    optimizer: `adamw`, or `adafactor`, whose state is a row and a column for each matrix.
    learning_rate: the peak of the schedule, used as it is written: nothing scales it.
    schedule: `constant`; `step`, multiplied by `decay_rate` every `decay_epochs` epochs; or `cosine`
        from the peak to `min_learning_rate`; all after a linear warm-up.
    warmup_steps: steps in which the learning rate rises linearly to its peak.
    min_learning_rate: where the cosine ends.
    decay_epochs, decay_rate: of the schedule `step`.
    weight_decay: decoupled decay of the matrices; biases and norms are not decayed.
    beta1, beta2, epsilon: AdamW's constants.
    clip_norm: the largest global norm of the gradients; None does not clip.
    dropout: probability of dropping an activation while training.
    precision: of the computation; the weights are always float32. `auto` is the device's: bfloat16
        on a GPU or a processor that has it, else float32. `float16` scales the loss.
    device: `auto` takes a GPU where there is one.
    xla: compile the step; `auto` does so on a GPU, and on a processor compiles some of its operations
        (`trainer.compiled_operations`), where `off` compiles nothing.
    freeze_embeddings: leave the token and the position embedding as they are.
    freeze_blocks: leave the first so many blocks as they are.
    recompute: hold the activations of one block only and compute the others again in the backward
        pass: less memory for about a third more work.
    low_memory: `recompute`, and update each block as soon as its gradients are there, so that never
        more of them exist. Not with clipping, accumulation or float16, which need all gradients.
    lora_rank: train low-rank updates of this rank beside frozen weights, and add them to the weights
        at the end (LoRA); 0 is off. lora_alpha: the updates are multiplied by alpha / rank.
    lora_layers: the dense layers that get them: those of the `attention`, or `all`.
    early_stopping: stop after so many validations without a better loss; 0 is off.
    keep_best: export the weights of the best validation loss, not the last ones.
    validate_every, checkpoint_every, log_every: steps between validations, checkpoints and
        entries of the history.
    keep_checkpoints: the newest checkpoints that are kept.
    """

    steps: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    batch_size: int = 8
    accumulate: int = 1
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    learning_rate: float = 1e-3
    schedule: Literal["constant", "step", "cosine"] = "cosine"
    warmup_steps: int = 10
    min_learning_rate: float = 0.0
    decay_epochs: float = 1.0
    decay_rate: float = 0.5
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    clip_norm: float | None = 1.0
    dropout: float = 0.0
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    xla: Literal["auto", "on", "off"] = "auto"
    freeze_embeddings: bool = False
    freeze_blocks: int = 0
    recompute: bool = False
    low_memory: bool = False
    lora_rank: int = 0
    lora_alpha: float = 16.0
    lora_layers: Literal["attention", "all"] = "all"
    early_stopping: int = 0
    keep_best: bool = False
    validate_every: int = 50
    checkpoint_every: int = 100
    log_every: int = 10
    keep_checkpoints: int = 2


@dataclass(frozen=True)
class GenerationOptions:
    """How text is generated where a caller says nothing else.

    max_new_tokens: the most tokens in a completion.
    temperature: divides the logits; 0 takes the most probable token (greedy).
    top_k: draw from the k most probable tokens only; 0 is off.
    top_p: draw from the fewest tokens whose probability reaches p; 1 is off.
    repetition_penalty: divides the logits of tokens that prompt or text has (a negative logit is
        multiplied); 1 is off.
    beams: hypotheses of a beam search, which draws nothing; 1 is off.
    length_penalty: a beam's log-probability is divided by its length to this power.
    """

    max_new_tokens: int = 48
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 0.9
    repetition_penalty: float = 1.0
    beams: int = 1
    length_penalty: float = 1.0
