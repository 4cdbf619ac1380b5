"""The shape of a GPT-2, and the shapes that have a name (no TensorFlow here)."""

import math
from dataclasses import asdict, dataclass, fields, replace

from preprocessing.base.errors import InputError
from trainer.options import ModelOptions


@dataclass(frozen=True)
class GPT2Config:
    """Everything that fixes the shapes of a GPT-2.

    vocabulary_size: number of token ids.
    context: the most tokens that the model sees at once (rows of the position embedding).
    width: length of the vector of a token.
    heads: attention heads of a block; they share the width.
    layers: blocks.

    Raises InputError where no such model exists.
    """

    vocabulary_size: int
    context: int
    width: int
    heads: int
    layers: int

    def __post_init__(self) -> None:
        sizes = asdict(self)
        faults = [
            f"model: {name} is {value!r}; it must be a whole number of at least 1"
            for name, value in sizes.items()
            if not isinstance(value, int) or isinstance(value, bool) or value < 1
        ]
        if not faults and self.width % self.heads:
            faults.append(
                f"model: width {self.width} is not a multiple of heads {self.heads}; "
                "change model.width or model.heads"
            )
        if faults:
            raise InputError(*faults)

    @property
    def head_width(self) -> int:
        """Length of the vectors that one head compares."""
        return self.width // self.heads

    @property
    def parameters(self) -> int:
        """Number of weights; the tied embedding counts once."""
        shapes = variable_shapes(replace(self, layers=1))
        of_block = sum(math.prod(shapes[name]) for name in shapes if name.startswith("model/h0/"))
        return sum(map(math.prod, shapes.values())) + (self.layers - 1) * of_block


GPT2_VOCABULARY_SIZE = 50257

# The four public sizes are those of OpenAI's hparams.json files (Radford et al. 2019).
SIZES = {
    "tiny": GPT2Config(GPT2_VOCABULARY_SIZE, context=512, width=64, heads=2, layers=2),
    "124M": GPT2Config(GPT2_VOCABULARY_SIZE, context=1024, width=768, heads=12, layers=12),
    "355M": GPT2Config(GPT2_VOCABULARY_SIZE, context=1024, width=1024, heads=16, layers=24),
    "774M": GPT2Config(GPT2_VOCABULARY_SIZE, context=1024, width=1280, heads=20, layers=36),
    "1558M": GPT2Config(GPT2_VOCABULARY_SIZE, context=1024, width=1600, heads=25, layers=48),
}


def model_config(options: ModelOptions, vocabulary_size: int) -> GPT2Config:
    """The shape that the options ask for: that of the size, with what they override."""
    overrides = {
        name: value
        for name in (field.name for field in fields(GPT2Config))
        if (value := getattr(options, name, None)) is not None
    }
    return replace(SIZES[options.size], vocabulary_size=vocabulary_size, **overrides)


def variable_shapes(config: GPT2Config) -> dict[str, tuple[int, ...]]:
    """Name and shape of every variable, in the order of computation; 12 a block and 4 more."""
    width = config.width
    in_block: dict[str, tuple[int, ...]] = {
        "ln_1/g": (width,),
        "ln_1/b": (width,),
        "attn/c_attn/w": (1, width, 3 * width),
        "attn/c_attn/b": (3 * width,),
        "attn/c_proj/w": (1, width, width),
        "attn/c_proj/b": (width,),
        "ln_2/g": (width,),
        "ln_2/b": (width,),
        "mlp/c_fc/w": (1, width, 4 * width),
        "mlp/c_fc/b": (4 * width,),
        "mlp/c_proj/w": (1, 4 * width, width),
        "mlp/c_proj/b": (width,),
    }
    return {
        "model/wte": (config.vocabulary_size, width),
        "model/wpe": (config.context, width),
        **{
            f"model/h{layer}/{name}": shape
            for layer in range(config.layers)
            for name, shape in in_block.items()
        },
        "model/ln_f/g": (width,),
        "model/ln_f/b": (width,),
    }


# a dense layer's variables of LoRA, beside its w and b (see `trainer.lora`)
LORA_A, LORA_B = "lora_a", "lora_b"
