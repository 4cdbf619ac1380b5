"""`gpt2-tfx compare`: two evaluations of the same records, paired."""

import argparse
from dataclasses import asdict
from pathlib import Path

from components.compared_predictions import (
    PREDICTIONS,
    Comparison,
    compare,
    read_predictions,
)
from pipeline import lineage
from pipeline.cli import print_json
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.errors import InputError
from serving.versions import LATEST, Versions

_SEED = 1


def run(arguments: argparse.Namespace) -> int:
    """Print what the second evaluation gained or lost against the first."""
    places = [_predictions(arguments, name) for name in (arguments.a, arguments.b)]
    first, second = map(read_predictions, places)
    found = compare(first, second, _SEED)
    if arguments.json:
        print_json(
            {
                "a": str(places[0]),
                "b": str(places[1]),
                "records": found.records,
                "only_in_a": found.alone[0],
                "only_in_b": found.alone[1],
                "metrics": {
                    name: {
                        "a": a,
                        "b": b,
                        "difference": asdict(difference),
                        "verdict": difference.verdict,
                    }
                    for name, (a, b, difference) in found.metrics.items()
                },
            }
        )
    else:
        print(as_text(found, arguments.a, arguments.b))
    return 0


def as_text(found: Comparison, a: str, b: str) -> str:
    """The table for people, in per cent."""
    lines = [f"A: {a}", f"B: {b}", f"{found.records} predictions of the same records"]
    if any(found.alone):
        lines.append(
            f"left out: {found.alone[0]} only in A, {found.alone[1]} only in B; the means are of the common ones"
        )
    lines.append(
        f"  {'':<12} {'A':>7} {'B':>7} {'B - A':>7}  {'95 % interval':<18} {'p boot':>7} {'p rand':>7}  "
        f"{'could show':>10}"
    )
    for name, (one, other, difference) in found.metrics.items():
        line = f"  {name:<12} {100 * one:7.2f} {100 * other:7.2f} {100 * difference.value:+7.2f}"
        if difference.low is None or difference.high is None:
            lines.append(f"{line}  one record: nothing can be said")
            continue
        interval = f"[{100 * difference.low:+.2f}, {100 * difference.high:+.2f}]"
        lines.append(
            f"{line}  {interval:<18} {difference.p_bootstrap:7.4f} {difference.p_randomisation:7.4f}  "
            f"{100 * (difference.smallest or 0):10.2f}  {difference.verdict}"
        )
    return "\n".join(lines)


def _predictions(arguments: argparse.Namespace, name: str) -> Path:
    """The file of predictions of a name: itself, in a folder, of a run, or of what evaluated a pushed version."""
    path = Path(name)
    if path.is_dir() and (path / PREDICTIONS).is_file():
        return path / PREDICTIONS
    if path.is_file():
        return path
    loaded = load_config(arguments.config, arguments.overrides)
    evaluation = _evaluation(loaded, name)
    found = Path(evaluation.uri) / PREDICTIONS
    if not found.is_file():
        raise InputError(f"{name}: its predictions, {found}, are gone; run again, or evaluate it.")
    return found


def _evaluation(loaded: LoadedConfig, name: str) -> StoredArtifact:
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    for execution in store.executions_of_run(name):
        if "evaluation" in execution.outputs:
            return execution.outputs["evaluation"]
    versions = Versions(loaded.workspace / "serving")
    version = versions.latest() if name == LATEST else name
    if version is None or version not in versions.names():
        raise InputError(
            f"{name}: neither a file of predictions, nor a run with an evaluation, nor a pushed version "
            f"({', '.join(versions.names()) or 'none yet'})."
        )
    pusher = store.producer(lineage.pushed_artifact(store, version).id)
    attest = None if pusher is None else store.producer(pusher.inputs["attestation"].id)
    if attest is None:
        raise InputError(f"{name}: the metadata store does not know its evaluation.")
    return attest.inputs["evaluation"]
