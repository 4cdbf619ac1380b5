"""The TFX pipeline of a configuration, made from the node table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from tfx.components import StatisticsGen, Trainer
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2
from tfx.types.channel import BaseChannel
from tfx.types.standard_artifacts import Model

from components.attest import Attest
from components.corpus_gen import CorpusGen
from components.evaluator import Evaluator
from components.example_validator import ExampleValidator
from components.pusher import Pusher
from components.tokenizer import Tokenizer
from pipeline import locations
from pipeline.beam_flags import beam_flags
from pipeline.config import LoadedConfig
from pipeline.nodes import Node, node_table
from pipeline.store import connection_config

Channels = Mapping[str, BaseChannel]
Builder = Callable[[LoadedConfig, Channels], BaseNode]


def build_pipeline(loaded: LoadedConfig, launched: str | None = None) -> Pipeline:
    """The whole graph as a TFX pipeline with caching off: reuse is decided before a node is launched.

    launched: the node that is to run; it alone is told how to run its Beam job, since that takes a look at the corpus.
    """
    components: dict[str, BaseNode] = {}
    for node in node_table(loaded.config):
        channels = {key: _channel(components, source) for key, source in node.inputs.items()}
        builder: Builder = globals()[node.builder]
        component = builder(loaded, channels).with_id(node.name)
        _check_outputs(node, component)
        if node.name == launched and isinstance(component, BaseBeamComponent):
            component.with_beam_pipeline_args(_beam_flags(loaded, node))
        components[node.name] = component
    return Pipeline(
        pipeline_name=loaded.config.name,
        pipeline_root=str(loaded.workspace / "artifacts"),
        components=list(components.values()),
        metadata_connection_config=connection_config(loaded.config.store, loaded.workspace),
        enable_cache=False,
    )


def _channel(components: Mapping[str, BaseNode], source: str) -> BaseChannel:
    producer, output = source.split(".")
    return components[producer].outputs[output]


def _beam_flags(loaded: LoadedConfig, node: Node) -> list[str]:
    """A node without modules of ours is a stock one, whose workers need TFX."""
    return beam_flags(
        loaded.config.beam, locations.corpus_path(loaded), imports_tfx=not node.modules
    )


def _check_outputs(node: Node, component: BaseNode) -> None:
    made = {key: channel.type_name for key, channel in component.outputs.items()}
    missing = {key: kind for key, kind in node.outputs.items() if made.get(key) != kind}
    if missing:
        raise TypeError(f"{node.name} does not make {missing}; it makes {made}")


def build_corpus_gen(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return CorpusGen(
        root=str(locations.corpus_path(loaded)),
        options=_options(loaded.config.corpus),
        seed=loaded.config.seed,
    )


def build_statistics_gen(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return StatisticsGen(**channels)


def build_import_schema_gen(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return ImportSchemaGen(schema_file=str(locations.schema_path(loaded)))


def build_example_validator(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return ExampleValidator(**channels)


def build_tokenizer(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    options = {**asdict(loaded.config.tokens), "vocabulary": locations.vocabulary(loaded)}
    return Tokenizer(task=loaded.config.corpus.task, options=json.dumps(options), **channels)


def build_base_model(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return Importer(
        source_uri=str(locations.base_model_path(loaded)),
        artifact_type=Model,
        # Importer matches URI and properties, not content; a launch always wants a new artifact.
        reimport=True,
        output_key="model",
    )


def build_trainer(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    config = loaded.config
    return Trainer(
        run_fn="trainer.run.run_fn",
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
        custom_config={
            "model": asdict(config.model),
            "training": asdict(config.training),
            "generation": asdict(config.generation),
            "vocabulary": locations.vocabulary(loaded),
            "sequence_length": config.tokens.sequence_length,
            "random_windows": config.tokens.windows == "random",
            "seed": config.seed,
        },
        **channels,
    )


def build_evaluator(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    config = loaded.config
    return Evaluator(
        task=config.corpus.task,
        evaluation_options=_options(config.evaluation),
        generation_options=_options(config.generation),
        vocabulary=locations.vocabulary(loaded),
        seed=config.seed,
        **channels,
    )


def build_attest(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return Attest(**channels)


def build_pusher(loaded: LoadedConfig, channels: Channels) -> BaseNode:
    return Pusher(destination=str(loaded.workspace / "serving"), **channels)


def _options(options: Any) -> str:
    return json.dumps(asdict(options))
