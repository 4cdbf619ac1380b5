"""CycloneDX 1.7 ML-BOM: the model with its card, the corpus, the base model, the code and the locks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pipeline.claims.slsa import predicate, time_text
from pipeline.lineage.export.exported import PROVIDER, ExportedModel
from preprocessing.base.digests import canonical_json

_LIMITS = (
    "The model continues text. It can state what is false.",
    "It repeats what its corpus holds.",
)


def document(model: ExportedModel) -> dict[str, Any]:
    """The bill of materials."""
    components = [*_components(model), *_packages(model)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{model.uuid('cyclonedx')}",
        "version": 1,
        "metadata": {
            **_timestamp(model),
            "lifecycles": [{"phase": "build"}],
            # Without its version: a later one says the same of the same model.
            "tools": {"components": [{"type": "application", "name": "gpt2-tfx"}]},
            "component": _model(model),
        },
        "components": components,
        "dependencies": [
            {"ref": "model", "dependsOn": [each["bom-ref"] for each in components]},
            *({"ref": each["bom-ref"]} for each in components),
        ],
    }


def _timestamp(model: ExportedModel) -> dict[str, str]:
    """When the model was pushed: a document of the same model has the same time."""
    finished = model.shown["nodes"][-1]["finished"]
    return {} if finished is None else {"timestamp": time_text(finished)}


def _model(model: ExportedModel) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": model.name,
        "version": model.version,
        "description": "GPT-2, fine-tuned; the hash is the root digest of OpenSSF Model Signing over its files.",
        "hashes": [_sha256(model.root)],
        "modelCard": _model_card(model),
        "properties": _properties(
            {
                "model.treeSha256": model.shown["model"]["digest"],
                **(model.shown["training"] or {}),
            }
        ),
        "components": [
            {
                "type": "file",
                "bom-ref": f"file:{name}",
                "name": name,
                "hashes": [_sha256(digest)],
                "properties": _properties({"bytes": size}),
            }
            for name, (size, digest) in sorted(model.files.items())
        ],
    }


def _model_card(model: ExportedModel) -> dict[str, Any]:
    parameters, decision = model.shown["parameters"], model.shown["decision"]
    split = {"slice": decision["split"]} if decision else {}
    intervals = decision["intervals"] if decision else {}
    return {
        "modelParameters": {
            "approach": {"type": "self-supervised"},
            "task": "text-generation",
            "architectureFamily": "transformer",
            "modelArchitecture": f"GPT-2 {parameters['model.size']}",
            "datasets": [{"ref": "corpus"}],
            "inputs": [{"format": "text"}],
            "outputs": [{"format": "text"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {
                    "type": name,
                    "value": repr(value),
                    **split,
                    **_interval(intervals.get(name)),
                }
                for name, value in sorted(model.shown["metrics"].items())
                if value is not None
            ]
        },
        "considerations": {"technicalLimitations": list(_LIMITS)},
        "properties": _properties(
            {
                "parameters." + name: change["value"]
                for name, change in model.shown["changed_parameters"].items()
                # Names of records may be names of people.
                if name != "corpus.exclude"
            }
        ),
    }


def _interval(ends: Sequence[float] | None) -> dict[str, Any]:
    if ends is None:
        return {}
    lower, upper = ends
    return {"confidenceInterval": {"lowerBound": repr(lower), "upperBound": repr(upper)}}


def _components(model: ExportedModel) -> Iterator[dict[str, Any]]:
    """What the model was made of."""
    yield _corpus(model)
    if base := model.shown["base_model"]:
        yield _base_model(base, "base-model")
    materials = predicate(model.shown)["buildDefinition"]["resolvedDependencies"]
    for number, material in enumerate(materials):
        digest = material["digest"]
        if "gitCommit" in digest:
            yield {
                "type": "application",
                "bom-ref": f"source-{number}",
                "name": "gpt2-tfx",
                "version": digest["gitCommit"],
                "description": "the code of " + ", ".join(material["annotations"]["nodes"]),
                "properties": _properties({"changed": material["annotations"]["changed"]}),
            }
        elif "sha256" in digest:
            yield {
                "type": "file",
                "bom-ref": f"lock-{number}",
                "name": material["name"],
                "description": "the packages that were installed, each with its version and hashes",
                "hashes": [_sha256(digest["sha256"])],
            }
        elif material["name"] not in ("corpus", "base_model"):
            yield {
                "type": "data",
                "bom-ref": f"{material['name']}-{number}",
                "name": material["name"],
                "properties": _properties(digest),
            }


def _packages(model: ExportedModel) -> Iterator[dict[str, Any]]:
    """What was installed where it was trained."""
    for name, number in sorted(model.packages.items()):
        purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{quote(number)}"
        yield {"type": "library", "bom-ref": purl, "name": name, "version": number, "purl": purl}


def _corpus(model: ExportedModel) -> dict[str, Any]:
    corpus, report = model.shown["corpus"], model.shown["corpus_report"]
    counts = {"records": corpus["records"], "files": corpus["files"], "tokens": model.tokens}
    counts |= {
        f"records.{split}": count for split, count in ((report or {}).get("splits") or {}).items()
    }
    return {
        "type": "data",
        "bom-ref": "corpus",
        "name": f"corpus of the task {corpus['task']}",
        "data": [
            {
                "type": "dataset",
                "name": corpus["task"],
                "description": "the corpus that the model was trained and evaluated on; its origin, licence and "
                f"languages are {PROVIDER}",
                "contents": {
                    "properties": _properties(
                        {name: count for name, count in counts.items() if count is not None}
                    )
                },
            }
        ],
        "properties": _properties({"treeSha256": corpus["digest"]}),
    }


def _base_model(base: Mapping[str, Any], reference: str) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": "base model",
        "description": f"the weights that training began with; their name and origin are {PROVIDER}",
        "properties": _properties({"treeSha256": base["digest"]}),
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _properties(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Names and texts; what is not a text is as JSON writes it."""
    return [
        {"name": f"gpt2-tfx:{name}", "value": _text(value)}
        for name, value in sorted(values.items())
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)
