"""The weights as an export computes with them: in half precision, each kernel [out, in].

So lies what `trainer.few_rows` reads. A model in float32 stays as it is.
"""

import tensorflow as tf

from trainer.device import choose_device
from trainer.gpt2 import GPT2, Precision
from trainer.options import TrainingOptions


def served(model: GPT2) -> GPT2:
    """The model to export in place of this one; its variables are new where anything differs."""
    if model.precision == "float32":
        return model
    variables = {
        name: tf.Variable(_served_value(name, tf.cast(variable, model.precision)), name=name)
        for name, variable in model.by_name.items()
    }
    return GPT2(model.config, precision=model.precision, variables=variables)


def hardware_precision() -> Precision:
    """The precision to serve weights in that come without one: half, where this machine has it."""
    return choose_device(TrainingOptions(precision="auto")).precision


def _served_value(name: str, value: tf.Tensor) -> tf.Tensor:
    return tf.transpose(value[0]) if name.endswith("/w") else value
