"""The node table: every step of the pipeline, what it reads, makes and reaches.

The table alone decides the order, the keys (reuse), the TFX graph and the Kubeflow containers. A step's component is
named by its module and imported only where it is launched, so that planning needs no TFX. To add a step, write its
component's module and its entry here; to add an ingredient, declare it here.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Protocol

from components.options import (
    LINEAGE_VARIABLE,
    SCORES_VARIABLE,
    SERVING_VARIABLE,
    EvaluationOptions,
)
from pipeline import externals
from pipeline.config import Config
from pipeline.externals import External
from preprocessing.base.job_cache import JOB_CACHE_VARIABLE
from preprocessing.base.pages import INDEX_VARIABLE
from preprocessing.options import CorpusOptions, TokenOptions
from trainer.options import (
    BASE_STATS_VARIABLE,
    CHECKPOINTS_VARIABLE,
    GenerationOptions,
    ModelOptions,
    TrainingOptions,
)


class LaunchPaths(Protocol):
    """The paths of the machine at one launch."""

    @property
    def workspace(self) -> Path:
        """The folder of all state."""

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints under the node's key."""

    @property
    def scores(self) -> Path:
        """The folder of the scores that were computed with what is installed."""

    def write_base_stats(self) -> Path:
        """The file that says of the base model's files how they were before they are read."""

    def write_lineage(self) -> Path:
        """The file in which the lineage of the node's inputs was written."""


@dataclass(frozen=True)
class Node:
    """One step.

    component: the module of its component. Its function `build` gets the values of what is declared here and nothing
        else (`components.declared`), and the module's import closure is the step's code.
    outputs: output key -> artifact type name.
    inputs: input key -> `Node.output`. A node that a configuration leaves out takes its inputs' lines with it.
    asked: of an input the parameter that must be true for the step to have it.
    parameters: dotted configuration keys that the step reads.
    incidental: more of them, which the key leaves out: they say how often something is logged or kept, and never
        change what comes out.
    externals: name -> content from outside the store that the step reads.
    files: source files beside the modules that it reads. Not among the Trainer's are the templates of its page: for
        another look of it nobody trains again, and a page that is there keeps the look that it has.
    champion: whether the model that is served now belongs to what it reads.
    paths: environment variable -> the path of the machine that the step finds there. None belongs to the key: they
        say where, and the lineage follows from the inputs.
    tfx_workers: whether the workers of its Beam job need TFX, as those of stock components do.
    workers: the parameter that says how many workers its Beam job has; without one, the size of the corpus does.
    gpu: whether the step computes on a GPU where there is one (`gpus.wants_gpu`).
    """

    name: str
    component: str
    outputs: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    parameters: Sequence[str] = ()
    incidental: Sequence[str] = ()
    externals: Mapping[str, External] = field(default_factory=dict)
    files: Sequence[str] = ()
    champion: bool = False
    paths: Mapping[str, Callable[[LaunchPaths], Path]] = field(default_factory=dict)
    tfx_workers: bool = False
    workers: str | None = None
    gpu: bool = False

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


def _templates(*names: str) -> list[str]:
    """The files of a page, with what all pages have."""
    return [f"preprocessing/templates/{name}" for name in ("page.css", "page.html", *names)]


# Of the workspace: what leads to its pushed versions and to all its evaluations.
INDEX_PAGE = "index.html"


def _index(site: LaunchPaths) -> Path:
    return site.workspace / INDEX_PAGE


_GENERATION = _keys("generation", GenerationOptions)
_INCIDENTAL_TRAINING = ("log_every", "checkpoint_every", "keep_checkpoints")

ALL_NODES = (
    Node(
        name="BaseModel",
        component="components.base_model",
        outputs={"model": "Model"},
        parameters=_keys("model", ModelOptions, "base"),
        externals={"base_model": externals.BASE_MODEL, "vocabulary": externals.VOCABULARY},
    ),
    Node(
        name="CorpusGen",
        component="components.corpus_gen",
        outputs={"examples": "Examples", "index": "RecordIndex", "report": "CorpusReport"},
        parameters=["seed", *_keys("corpus", CorpusOptions, "path")],
        files=_templates("corpus.css", "corpus.html"),
        externals={"corpus": externals.CORPUS},
        paths={JOB_CACHE_VARIABLE: lambda site: site.workspace, INDEX_VARIABLE: _index},
    ),
    Node(
        name="StatisticsGen",
        component="components.statistics_gen",
        inputs={"examples": "CorpusGen.examples"},
        outputs={"statistics": "ExampleStatistics"},
        tfx_workers=True,
    ),
    Node(
        name="ImportSchemaGen",
        component="components.schema_gen",
        outputs={"schema": "Schema"},
        externals={"schema": externals.SCHEMA},
    ),
    Node(
        name="ExampleValidator",
        component="components.example_validator",
        inputs={
            "examples": "CorpusGen.examples",
            "statistics": "StatisticsGen.statistics",
            "schema": "ImportSchemaGen.schema",
        },
        outputs={"anomalies": "ExampleAnomalies"},
    ),
    Node(
        name="Tokenizer",
        component="components.tokenizer",
        inputs={"examples": "CorpusGen.examples", "anomalies": "ExampleValidator.anomalies"},
        outputs={"tokens": "Examples", "statistics": "TokenStatistics"},
        parameters=[
            "corpus.task",
            "corpus.max_dropped_fraction",
            *_keys("tokens", TokenOptions, "vocabulary"),
        ],
        files=_templates("tokens.css", "tokens.html"),
        externals={"vocabulary": externals.VOCABULARY},
        paths={JOB_CACHE_VARIABLE: lambda site: site.workspace, INDEX_VARIABLE: _index},
    ),
    Node(
        name="Trainer",
        component="components.trainer",
        inputs={"examples": "Tokenizer.tokens", "base_model": "BaseModel.model"},
        outputs={"model": "Model", "model_run": "ModelRun"},
        parameters=[
            "seed",
            "tokens.sequence_length",
            "tokens.windows",
            *_keys("model", ModelOptions, "base"),
            *_keys("training", TrainingOptions, *_INCIDENTAL_TRAINING),
        ],
        incidental=[f"training.{name}" for name in _INCIDENTAL_TRAINING],
        externals={"vocabulary": externals.VOCABULARY},
        paths={
            CHECKPOINTS_VARIABLE: lambda site: site.checkpoints,
            INDEX_VARIABLE: _index,
            BASE_STATS_VARIABLE: lambda site: site.write_base_stats(),
        },
        gpu=True,
    ),
    Node(
        name="Evaluator",
        component="components.evaluator",
        inputs={
            "model": "Trainer.model",
            "model_run": "Trainer.model_run",
            "report": "CorpusGen.report",
            "examples": "CorpusGen.examples",
            "tokens": "Tokenizer.tokens",
            "base_model": "BaseModel.model",
        },
        asked={"base_model": "evaluation.zero_shot"},
        outputs={"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
        parameters=[
            "seed",
            "corpus.task",
            *_GENERATION,
            *_keys("evaluation", EvaluationOptions, "workers"),
        ],
        incidental=["evaluation.workers"],
        externals={"vocabulary": externals.VOCABULARY},
        files=_templates("curves.html", "evaluation.css", "evaluation.html", "evaluation.js"),
        champion=True,
        paths={
            SCORES_VARIABLE: lambda site: site.scores,
            INDEX_VARIABLE: _index,
            BASE_STATS_VARIABLE: lambda site: site.write_base_stats(),
        },
        workers="evaluation.workers",
        gpu=True,
    ),
    Node(
        name="Attest",
        component="components.attest",
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
        paths={LINEAGE_VARIABLE: lambda site: site.write_lineage()},
    ),
    Node(
        name="Pusher",
        component="components.pusher",
        inputs={
            "model": "Trainer.model",
            "model_blessing": "Evaluator.blessing",
            "attestation": "Attest.attestation",
        },
        outputs={"pushed_model": "PushedModel"},
        parameters=_GENERATION,
        paths={SERVING_VARIABLE: lambda site: site.workspace / "serving"},
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
                if source.split(".")[0] not in left_out and _is_asked_for(node, key, config)
            },
        )
        for node in ALL_NODES
        if node.name not in left_out
    ]


def _is_asked_for(node: Node, key: str, config: Config) -> bool:
    parameter = node.asked.get(key)
    return parameter is None or bool(reduce(getattr, parameter.split("."), config))


NODE_NAMES = tuple(node.name for node in ALL_NODES)
