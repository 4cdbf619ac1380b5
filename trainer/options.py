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

    steps: optimizer steps in total, those before a resume included.
    batch_size: rows of tokens in a step.
    learning_rate: the peak of the schedule, used as it is written: nothing scales it.
    schedule: `constant`, or `cosine` from the peak to zero; both after a linear warm-up.
    warmup_steps: steps in which the learning rate rises linearly to its peak.
    weight_decay: decoupled decay (AdamW) of the matrices; biases and norms are not decayed.
    beta1, beta2, epsilon: AdamW's constants.
    clip_norm: the largest global norm of the gradients; None does not clip.
    dropout: probability of dropping an activation while training.
    precision: of the computation; the weights are always float32.
    validate_every, checkpoint_every, log_every: steps between validations, checkpoints and
        entries of the history.
    """

    steps: int = 200
    batch_size: int = 8
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_steps: int = 10
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    clip_norm: float | None = 1.0
    dropout: float = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    validate_every: int = 50
    checkpoint_every: int = 100
    log_every: int = 10


@dataclass(frozen=True)
class GenerationOptions:
    """How text is generated where a caller says nothing else.

    max_new_tokens: the most tokens in a completion.
    temperature: divides the logits; 0 takes the most probable token (greedy).
    top_k: draw from the k most probable tokens only; 0 is off.
    top_p: draw from the fewest tokens whose probability reaches p; 1 is off.
    """

    max_new_tokens: int = 48
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 0.9
