"""Models with weights from outside.

By themselves: the node that looks at a base model before anything else needs no model for it, and no code of one.
"""

from pathlib import Path

from trainer.gpt2 import GPT2, Precision
from trainer.weights import read_config, require_shape, tensors


def load_model(folder: Path, precision: Precision = "float32") -> GPT2:
    """A model of the shape and with the weights in a path; raises as `read_weights`."""
    model = GPT2(read_config(folder), precision=precision)
    load_into(model, folder)
    return model


def load_into(model: GPT2, folder: Path) -> None:
    """Fill a model with the variables in a path, one after the other.

    Raises InputError as `read_weights` does, and where the path's config is not the model's.
    """
    require_shape(folder, model.config)
    for name, value in tensors(folder, model.config):
        model.by_name[name].assign(value)
