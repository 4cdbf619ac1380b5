"""The node table: every step of the pipeline, what it reads, makes and reaches.

The table alone decides the order, the keys (reuse), the TFX graph and the Kubeflow containers, so that planning
needs no TFX.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from components.options import EvaluationOptions
from pipeline.config import Config
from preprocessing.options import CorpusOptions, TokenOptions
from trainer.options import GenerationOptions, ModelOptions, TrainingOptions

External = Literal["corpus", "schema", "vocabulary", "base_model", "champion"]


@dataclass(frozen=True)
class Node:
    """One step.

    inputs: input key -> `Node.output`. A node that a configuration leaves out takes its inputs' lines with it.
    outputs: output key -> artifact type name.
    parameters: dotted configuration keys that the step reads.
    modules: the modules whose import closure is the step's code. files: other source files it reads.
    externals: content from outside the store that belongs to the key.
    handed: what the launcher hands over beside the inputs: a folder of checkpoints to resume from, the
        memory of the data jobs, or the lineage of the inputs. None belongs to the key: the first two are paths, the
        last follows from the inputs.
    gpu: whether the step asks for a GPU where there is one.
    """

    name: str
    outputs: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Sequence[str] = ()
    modules: Sequence[str] = ()
    files: Sequence[str] = ()
    externals: Sequence[External] = ()
    handed: Literal["checkpoints", "memory", "lineage"] | None = None
    gpu: bool = False

    @property
    def builder(self) -> str:
        """The function of `pipeline/graph.py` that makes the step's component: `CorpusGen` -> `build_corpus_gen`."""
        return "build_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()

    @property
    def upstream(self) -> list[str]:
        """The names of the nodes that this one reads, in order and once each."""
        return list(dict.fromkeys(source.split(".")[0] for source in self.inputs.values()))


def _keys(section: str, options: type, *but: str) -> list[str]:
    return [
        f"{section}.{option.name}"
        for option in dataclasses.fields(options)
        if option.name not in but
    ]


_GENERATION = _keys("generation", GenerationOptions)

_ALL_NODES = (
    Node(
        name="CorpusGen",
        outputs={"examples": "Examples", "index": "RecordIndex", "report": "CorpusReport"},
        parameters=["seed", *_keys("corpus", CorpusOptions, "path")],
        modules=["components.corpus_gen"],
        files=["preprocessing/templates/corpus.html", "preprocessing/templates/style.html"],
        externals=["corpus"],
        handed="memory",
    ),
    Node(
        name="StatisticsGen",
        inputs={"examples": "CorpusGen.examples"},
        outputs={"statistics": "ExampleStatistics"},
    ),
    Node(
        name="ImportSchemaGen",
        outputs={"schema": "Schema"},
        externals=["schema"],
    ),
    Node(
        name="ExampleValidator",
        inputs={"statistics": "StatisticsGen.statistics", "schema": "ImportSchemaGen.schema"},
        outputs={"anomalies": "ExampleAnomalies"},
        modules=["components.example_validator"],
    ),
    Node(
        name="Tokenizer",
        inputs={"examples": "CorpusGen.examples", "anomalies": "ExampleValidator.anomalies"},
        outputs={"tokens": "Examples", "statistics": "TokenStatistics"},
        parameters=["corpus.task", *_keys("tokens", TokenOptions)],
        modules=["components.tokenizer"],
        externals=["vocabulary"],
        handed="memory",
    ),
    Node(
        name="BaseModel",
        outputs={"model": "Model"},
        externals=["base_model"],
    ),
    Node(
        name="Trainer",
        inputs={"examples": "Tokenizer.tokens", "base_model": "BaseModel.model"},
        outputs={"model": "Model", "model_run": "ModelRun"},
        parameters=[
            "seed",
            "tokens.sequence_length",
            "tokens.vocabulary",
            "tokens.windows",
            *_keys("model", ModelOptions, "base"),
            *_keys("training", TrainingOptions),
            *_GENERATION,
        ],
        modules=["trainer.run"],
        files=["preprocessing/templates/training.html", "preprocessing/templates/style.html"],
        externals=["vocabulary"],
        handed="checkpoints",
        gpu=True,
    ),
    Node(
        name="Evaluator",
        inputs={
            "model": "Trainer.model",
            "examples": "CorpusGen.examples",
            "tokens": "Tokenizer.tokens",
        },
        outputs={"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
        parameters=[
            "seed",
            "corpus.task",
            "tokens.vocabulary",
            *_GENERATION,
            *_keys("evaluation", EvaluationOptions),
        ],
        modules=["components.evaluator"],
        files=["preprocessing/templates/evaluation.html", "preprocessing/templates/style.html"],
        externals=["vocabulary", "champion"],
        gpu=True,
    ),
    Node(
        name="Attest",
        inputs={
            "index": "CorpusGen.index",
            "examples": "CorpusGen.examples",
            "tokens": "Tokenizer.tokens",
            "base_model": "BaseModel.model",
            "model": "Trainer.model",
            "evaluation": "Evaluator.evaluation",
            "blessing": "Evaluator.blessing",
        },
        outputs={"attestation": "Attestation"},
        modules=["components.attest"],
        handed="lineage",
    ),
    Node(
        name="Pusher",
        inputs={
            "model": "Trainer.model",
            "model_blessing": "Evaluator.blessing",
            "attestation": "Attest.attestation",
        },
        outputs={"pushed_model": "PushedModel"},
        modules=["components.pusher"],
    ),
)


def node_table(config: Config) -> list[Node]:
    """The nodes of a configuration in topological order; without `model.base` there is no BaseModel."""
    left_out = set() if config.model.base else {"BaseModel"}
    return [
        dataclasses.replace(
            node,
            inputs={
                key: source
                for key, source in node.inputs.items()
                if source.split(".")[0] not in left_out
            },
        )
        for node in _ALL_NODES
        if node.name not in left_out
    ]


NODE_NAMES = tuple(node.name for node in _ALL_NODES)
