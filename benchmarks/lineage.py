"""Questions about lineage on a workspace of 50 models whose corpora have a million records and differ by 1 %.

trace_1M         a record -> its models, by id, as a whole command
records_1M       a model -> how many records, and the first 1,000, as a program asks
verify           hashing what is behind a model, beside `openssl dgst -sha256` on the same files
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT
from pipeline import lineage
from pipeline.manifests import Manifest, Manifests
from pipeline.store import Store
from preprocessing.base.digests import sha256_bytes, sha256_file
from preprocessing.base.file_digests import FileDigests
from tests.pipeline.tfx_records import TfxRecords

MODELS, RECORDS, SHARDS = 50, 1_000_000, 500
# Of each corpus so many shards are its own.
OWN = SHARDS // 100
# The weights of 774M in float32.
MODEL_BYTES = 3_100_000_000
TURNS = 5


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row of a name."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"name": name, **_MEASURED[name](Path(folder))}


def _trace(folder: Path) -> dict[str, Any]:
    workspace = _Workspace(folder, RECORDS, 0)
    command = workspace.command("lineage", "trace", workspace.some_id, "--json")
    return _limit(_median(lambda: _seconds(command)), 1.0)


def _records(folder: Path) -> dict[str, Any]:
    workspace = _Workspace(folder, RECORDS, 0)

    def ask() -> None:
        count, first = lineage.trained_on(
            workspace.store, workspace.manifests, workspace.pushed("1"), 1000
        )
        assert (count, len(first)) == (RECORDS, 1000)

    return _limit(_median(lambda: _timed(ask)), 1.0)


def _verify(folder: Path) -> dict[str, Any]:
    workspace = _Workspace(folder, 1000, MODEL_BYTES)
    ours = workspace.command("lineage", "verify", "1", "--json")
    files = [str(path) for path in (folder / "workspace" / "serving" / "1").iterdir()]
    theirs = ["openssl", "dgst", "-sha256", *files]
    size = MODEL_BYTES / 1e9
    # The whole chain is hashed: the model lies in the Trainer's output and in the pushed version.
    mine = 2 * size / _median(lambda: _seconds(ours))
    openssl = size / _median(lambda: _seconds(theirs))
    return {
        "unit": "GB/s",
        "better": "higher",
        "ours": round(mine, 2),
        "peers": {"openssl dgst, one thread": round(openssl, 2)},
        "ratio": round(mine / openssl, 2),
        "goal": round(0.8 * (os.cpu_count() or 1), 2),
    }


_MEASURED: dict[str, Callable[[Path], dict[str, Any]]] = {
    "trace_1M": _trace,
    "records_1M": _records,
    "verify": _verify,
}


class _Workspace:
    """A store and files as runs leave them, of the nodes that the questions are about."""

    def __init__(self, folder: Path, records: int, model_bytes: int) -> None:
        self.folder, self.workspace = folder, folder / "workspace"
        self.workspace.mkdir()
        (folder / "corpus").mkdir()
        self._config = folder / "pipeline.yaml"
        self._config.write_text("corpus:\n  task: text\n  path: corpus\n")
        self.store = Store("gpt2", None, self.workspace)
        self.manifests = Manifests(
            self.workspace / "manifests", FileDigests(self.workspace / "file_digests.sqlite")
        )
        self._tfx = TfxRecords(self.store)
        self._records = records // SHARDS
        self.some_id = ""
        models = MODELS if not model_bytes else 1
        shards = [self._shard(number, "all") for number in range(SHARDS)]
        for model in range(1, models + 1):
            own = [self._shard(number, str(model)) for number in range(OWN)] if models > 1 else []
            self._add(model, [*own, *shards[len(own) :]], model_bytes)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pipeline", "--config", str(self._config), *arguments]

    def pushed(self, version: str) -> Any:
        return lineage.pushed_artifact(self.store, version)

    def _shard(self, number: int, of: str) -> tuple[str, bytes]:
        """The name of a shard, and lines as an index has them."""
        lines = []
        for row in range(self._records):
            digest = sha256_bytes(f"{of} {number} {row}".encode())
            lines.append(
                f'{{"id": "{digest[:32]}", "source": "texts-{number:05}.jsonl", "position": {row}, '
                f'"digest": "{digest}", "split": "train", "shard": "{number:05}-000", '
                f'"document": "{digest[::-1]}"}}\n'
            )
            self.some_id = digest[:32]
        return f"Split-train/records-{number:05}-000.jsonl", "".join(lines).encode()

    def _add(self, model: int, shards: list[tuple[str, bytes]], model_bytes: int) -> None:
        artifacts = self.workspace / "artifacts"
        index = self._filled(artifacts / "CorpusGen" / "index" / str(model), shards)
        version = self.workspace / "serving" / str(model)
        weights = [("variables", os.urandom(model_bytes))] if model_bytes else []
        trained = self._filled(artifacts / "Trainer" / "model" / str(model), weights)
        served = self._filled(version, weights)
        examples = self._record(
            "CorpusGen",
            {},
            {
                "index": ("RecordIndex", index, {"records": 1, "corpus_files": 1}),
                "examples": ("Examples", Manifest({}), {}),
            },
        )
        tokens = self._record(
            "Tokenizer",
            {"examples": examples["examples"]},
            {"tokens": ("Examples", Manifest({}), {})},
        )
        made = self._record(
            "Trainer", {"examples": tokens["tokens"]}, {"model": ("Model", trained, {})}
        )
        scored = self._record(
            "Evaluator",
            {"model": made["model"]},
            {"evaluation": ("ModelEvaluation", Manifest({}), {"metrics": "{}"})},
        )
        attested = self._record(
            "Attest",
            {"model": made["model"], "evaluation": scored["evaluation"]},
            {"attestation": ("Attestation", Manifest({}), {})},
        )
        destination = {"pushed_version": str(model), "pushed_destination": str(version)}
        self._record(
            "Pusher",
            {"model": made["model"], "attestation": attested["attestation"]},
            {"pushed_model": ("PushedModel", served, destination)},
        )

    def _filled(self, folder: Path, files: list[tuple[str, bytes]]) -> Manifest:
        for name, content in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return Manifest(
            {name: (len(content), sha256_file(folder / name)) for name, content in files}
        )

    def _record(
        self,
        node: str,
        inputs: dict[str, int],
        outputs: dict[str, tuple[str, Manifest, dict[str, Any]]],
    ) -> dict[str, int]:
        key = os.urandom(32).hex()
        execution = self._tfx.start(node, "run", key, inputs)
        number = len(list(self.store.history(node))) + 1
        made: dict[str, int] = {}
        for name, (kind, manifest, properties) in outputs.items():
            uri = self.workspace / "artifacts" / node / name / str(number)
            uri.mkdir(parents=True, exist_ok=True)
            made |= self._tfx.publish(execution, {name: (kind, str(uri))}, properties)
            digests = {
                "digest": manifest.canonical(kind),
                "manifest_digest": self.manifests.write(manifest),
            }
            self.store.record_success(
                execution,
                {"node": node, "node_key": key, "ingredient:parameters:corpus.task": '"text"'},
                {made[name]: digests},
            )
        return made


def _limit(seconds: float, limit: float) -> dict[str, Any]:
    return {
        "unit": "s",
        "better": "lower",
        "ours": round(seconds, 3),
        "peers": {"limit": limit},
        "ratio": round(seconds / limit, 3),
        "goal": 1.0,
    }


def _median(seconds: Callable[[], float]) -> float:
    return statistics.median(seconds() for _ in range(TURNS))


def _timed(do: Callable[[], None]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _seconds(command: list[str]) -> float:
    def run() -> None:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    return _timed(run)
