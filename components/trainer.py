"""Trainer: TFX's own, which calls `components.training.run_fn`."""

from tfx.components.trainer.component import Trainer
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import trainer_pb2

from components.declared import Declared
from components.training import run_fn


def build(declared: Declared) -> BaseNode:
    """The component of the node; TFX finds `run_fn` by its name."""
    parameters = declared.parameters
    return Trainer(
        run_fn=f"{run_fn.__module__}.{run_fn.__name__}",
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
        custom_config={
            "model": declared.section("model"),
            "training": declared.section("training"),
            "vocabulary": declared.externals["vocabulary"],
            "sequence_length": parameters["tokens.sequence_length"],
            "random_windows": parameters["tokens.windows"] == "random",
            "seed": parameters["seed"],
        },
        **declared.inputs,
    )
