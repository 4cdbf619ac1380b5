"""What the claims of a version say beside its provenance; `docs/schemas/claim.schema.json` has each field."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.claims import slsa
from pipeline.inclusion.training_sets import TreeHead
from preprocessing.base.digests import sha256_bytes

EVALUATION_TYPE = "urn:gpt2-tfx:evaluation:1"
CARD_TYPE = "urn:gpt2-tfx:model-card:1"
TRAINING_SET_TYPE = "urn:gpt2-tfx:training-set:1"
ERASURE_TYPE = "urn:gpt2-tfx:erasure:1"

Descriptor = Mapping[str, Any]


def provenance(shown: Mapping[str, Any], logs: Sequence[Descriptor], record: str) -> dict[str, Any]:
    """SLSA provenance with the logs that are there, and what the metadata store must say.

    shown: the document of `lineage.show`. record: the record digest of the push, which is over those of all that is
    behind it; empty where the store has none.
    """
    predicate = slsa.predicate(shown)
    if record:
        predicate["buildDefinition"]["internalParameters"]["record"] = {"sha256": record}
    predicate["runDetails"]["byproducts"] += logs
    return predicate


def signed_record(predicate: Mapping[str, Any]) -> str | None:
    """The record digest in a predicate of `provenance`; None where it has none."""
    try:
        return str(predicate["buildDefinition"]["internalParameters"]["record"]["sha256"])
    except (LookupError, TypeError):
        return None


def evaluation(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The scores, and by which checks the model was blessed. stated: the content of `provenance.json`."""
    found = stated["evaluation"]
    return {
        "blessed": stated["blessed"],
        **{name: found[name] for name in ("task", "split", "metrics", "checks")},
        "inputs": [
            {"name": name, "digest": {slsa.TREE_DIGEST: digest}}
            for name, digest in sorted(stated["inputs"].items())
        ],
    }


def model_card(name: str, content: bytes) -> dict[str, Any]:
    """The card itself, so that it can be read without the folder."""
    return {
        "card": {
            "name": name,
            "mediaType": "text/markdown",
            "digest": {"sha256": sha256_bytes(content)},
            "content": base64.b64encode(content).decode(),
        }
    }


def training_set(corpus: Mapping[str, Any], head: TreeHead) -> dict[str, Any]:
    """The root over the records that the model was trained on. corpus: of the document of `lineage.show`."""
    return {
        "corpus": {"task": corpus["task"], "digest": {slsa.TREE_DIGEST: corpus["digest"]}},
        "tree": {"specification": "RFC 9162", "size": head.size, "root": {"sha256": head.root}},
    }


def erasure(dossier: Mapping[str, Any], model: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """That records of the training set were erased since. No name and no digest of a record, which could be guessed.

    dossier: a document of `erasure-dossier.schema.json`. model: the one of its models that the version holds. digest:
    SHA-256 of the dossier's file, whoever has it.
    """
    replacement = dossier["replacement"]
    return {
        "dossier": {"sha256": digest},
        "asked": slsa.time_text(min(asked["time"] for asked in dossier["asked"])),
        "records": model["records"],
        "replacedBy": None
        if replacement is None
        else {
            "name": replacement["version"],
            "digest": {slsa.TREE_DIGEST: replacement["digest"]},
        },
    }
