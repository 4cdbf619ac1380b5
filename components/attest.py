"""Attest: the provenance statement and the model card of a model, from its lineage."""

import json
import os
from pathlib import Path
from typing import Any

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation

from components.artifacts import Attestation, RecordIndex, recorded_digest
from components.declared import Declared
from components.model_card import MODEL_CARD, model_card
from components.options import LINEAGE_VARIABLE
from serving.versions import PROVENANCE


@component
def Attest(  # noqa: N802 - a component is named like a class
    index: InputArtifact[RecordIndex],
    examples: InputArtifact[Examples],
    tokens: InputArtifact[Examples],
    model: InputArtifact[Model],
    evaluation: InputArtifact[ModelEvaluation],
    blessing: InputArtifact[ModelBlessing],
    attestation: OutputArtifact[Attestation],
    base_model: InputArtifact[Model] = None,
) -> None:
    """Write the statement that names inputs, code, parameters and scores with their digests."""
    lineage = json.loads(Path(os.environ[LINEAGE_VARIABLE]).read_text(encoding="utf-8"))
    summary = json.loads(Path(evaluation.uri, "metrics.json").read_text(encoding="utf-8"))
    inputs = {"records": index, "examples": examples, "tokens": tokens, "evaluation": evaluation}
    statement: dict[str, Any] = {
        "statement": "gpt2-tfx provenance 2",
        "model": {"digest": recorded_digest(model)},
        "blessed": blessing.get_int_custom_property("blessed") == 1,
        "inputs": {name: recorded_digest(artifact) for name, artifact in inputs.items()},
        "evaluation": {
            name: summary[name]
            for name in ("task", "split", "metrics", "intervals", "gate_split", "checks")
        },
        **{
            name: lineage[name]
            for name in ("corpus", "base_model", "code", "environment", "parameters", "nodes")
        },
    }
    folder = Path(attestation.uri)
    (folder / PROVENANCE).write_text(
        json.dumps(statement, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / MODEL_CARD).write_text(model_card(statement), encoding="utf-8")


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return Attest(**declared.inputs)
