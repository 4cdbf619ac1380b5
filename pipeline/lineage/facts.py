"""What the artifacts behind a model say beyond the store: drops of the corpus, the training's compute, the blessing.

Each is None where the file that says it is gone: gc may have removed it, and nothing is guessed. A purge leaves them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config import Config, LoadedConfig
from pipeline.manifests import redacted_root
from pipeline.store import StoredArtifact, StoredExecution

DROPS, SCORES, TOKENS = "drops.json", "metrics.json", "token_statistics.json"
TRAINING = "history.json"


def corpus_report(corpus: StoredExecution) -> dict[str, Any] | None:
    """Records by split, what was dropped and why, copies within splits and between them, of a CorpusGen."""
    found = _read(corpus.outputs.get("report"), DROPS)
    if found is None:
        return None
    return {
        "splits": found.get("splits"),
        "dropped": found.get("dropped"),
        "reasons": {name: each["count"] for name, each in found.get("reasons", {}).items()},
        "duplicates": found.get("duplicates", {}).get("count"),
        "leaks": found.get("leaks", {}).get("count"),
    }


def training_tokens(tokenizer: StoredExecution) -> int | None:
    """The tokens of the training set's rows, without padding."""
    found = _read(tokenizer.outputs.get("statistics"), TOKENS)
    return None if found is None else found["splits"]["train"]["tokens"]


def training(trainer: StoredExecution) -> dict[str, Any] | None:
    """Steps, tokens and operations of a training, and what it ran on.

    tokens: positions of the rows that its steps read, padding among them. operations: 6 for each trained
    parameter and token (Kaplan et al. 2020, "Scaling Laws for Neural Language Models", 2.1). energy_joules: what
    `energy_of` took while it trained; None where nothing, or not all of it, was measured.
    """
    history = _read(trainer.outputs.get("model_run"), TRAINING)
    if history is None:
        return None
    parameters, keys = trainer.ingredients["parameters"], ("batch_size", "accumulate")
    rows = 1
    for key in keys:
        rows *= int(parameters.get(f"training.{key}", 1))
    tokens = int(history["step"]) * rows * int(parameters["tokens.sequence_length"])
    return {
        "steps": history["step"],
        "tokens": tokens,
        "parameters": history["parameters"],
        "operations": 6 * int(history["parameters"]) * tokens,
        "seconds": history["seconds"],
        "device": history["device"],
        "precision": history["precision"],
        "energy_joules": history.get("joules"),
        "energy_of": history.get("energy_of", []),
    }


def scores(evaluator: StoredExecution) -> dict[str, Any] | None:
    """The document of an evaluation, `metrics.json`."""
    return _read(evaluator.outputs.get("evaluation"), SCORES)


def decision(evaluator: StoredExecution) -> dict[str, Any] | None:
    """Whether a model was blessed, by which checks, beside which champion's scores."""
    found = scores(evaluator)
    if found is None:
        return None
    champion = evaluator.inputs.get("champion")
    return {
        "blessed": found["blessed"],
        "split": found["split"],
        # An evaluation of an earlier version decided by what it reported, and knew no intervals.
        "gate_split": found.get("gate_split", found["split"]),
        "intervals": found.get("intervals", {}),
        "checks": found["checks"],
        "note": found["note"],
        "champion": None
        if champion is None
        else {
            "version": str(champion.properties.get("pushed_version", "")),
            "digest": str(champion.properties.get("model_digest", "")),
            "metrics": found["champion"],
        },
    }


def changed_parameters(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters that are not what they are by default, each with both."""
    defaults = LoadedConfig(Config(), Path()).flat()
    return {
        name: {"value": value, "default": defaults.get(name)}
        for name, value in parameters.items()
        if json.dumps(defaults.get(name)) != json.dumps(value)
    }


def _read(artifact: StoredArtifact | None, name: str) -> dict[str, Any] | None:
    """A JSON document of an artifact, or what a purge has left of it; None where neither is there."""
    if artifact is None:
        return None
    root = Path(artifact.uri)
    path = (root if root.is_dir() else redacted_root(artifact)) / name
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found
