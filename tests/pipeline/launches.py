"""Runs whose launches write to the store and the disk as TFX does, without TFX."""

import json
import shutil
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from components.model_card import MODEL_CARD
from pipeline.config_reading import load_config
from pipeline.launch_request import LaunchRequest
from pipeline.node_process import NodeFailureError
from pipeline.run_reports import Report, RunResult
from pipeline.runner import PipelineRun
from pipeline.selection import Selection
from pipeline.store import Store, StoredArtifact
from serving.versions import PROVENANCE, Versions
from tests.pipeline.tables import node as node_of
from tests.pipeline.tfx_records import TfxRecords

# What claims of a version are made from.
STATED = {
    "blessed": True,
    "evaluation": {"task": "text", "split": "test", "metrics": {"perplexity": 9.5}, "checks": []},
    "inputs": {"records": "d" * 64},
}
# What downstream code reads from the artifacts of the genuine nodes.
PROPERTIES = {"metrics": "{}", "records": 1, "corpus_files": 1}


class Silence:
    def started(self, *_: object) -> None: ...
    def report(self, *_: object) -> None: ...
    def ended(self, *_: object) -> None: ...
    def note(self, *_: object) -> None: ...


class Launches:
    """Stands in for TFX: each node writes one file an output, whose content `results` can change, also of an output.

    edits: node -> what happens while it runs. contents: `Node.output` -> a folder that it is to be a copy of. blessed:
    whether the Pusher pushes. training_index: lines of the index of the training set.
    """

    def __init__(self, config_file: Path) -> None:
        self.config_file = config_file
        self.launched: list[str] = []
        self.requests: dict[str, LaunchRequest] = {}
        self.results: dict[str, str | bytes] = {}
        self.contents: dict[str, Path] = {}
        self.failing: set[str] = set()
        self.dying: set[str] = set()
        self.blessed = True
        self.training_index = ""
        self.edits: dict[str, Callable[[], object]] = {}

    @property
    def versions(self) -> Versions:
        return Versions(self.config_file.parent / "workspace" / "serving")

    def new(self, run_id: str, *overrides: str) -> PipelineRun:
        return PipelineRun(
            load_config(self.config_file, overrides), run_id, Silence(), launch=self.launch
        )

    def run(self, run_id: str, selection: Selection | None = None, *overrides: str) -> RunResult:
        self.launched.clear()
        run = self.new(run_id, *overrides)
        try:
            return run.run(selection or Selection())
        finally:
            run.close()

    def node(self, run_id: str, name: str, *overrides: str) -> RunResult:
        self.launched.clear()
        run = self.new(run_id, *overrides)
        try:
            return run.run_node(name)
        finally:
            run.close()

    @cached_property
    def store(self) -> Store:
        """The store that the runs write to."""
        return self.new("unused").store

    @cached_property
    def _records(self) -> TfxRecords:
        return TfxRecords(self.store)

    def launch(self, request: LaunchRequest, log: Path, say: Callable[[Report], None]) -> int:
        records = self._records
        known = records.start(
            request.node, request.run_id, request.key, request.inputs, request.lease
        )
        self.launched.append(request.node)
        self.requests[request.node] = request
        if request.node in self.failing:
            records.fail(known)
            raise NodeFailureError(request.node, "it does not work", False, log)
        self.edits.get(request.node, lambda: None)()
        outputs = {}
        for key, kind in node_of(request.node, request.loaded.config).outputs.items():
            folder = request.loaded.workspace / "artifacts" / request.node / key / str(known)
            folder.mkdir(parents=True, exist_ok=True)
            result = self.results.get(request.node, "same")
            if content := self.contents.get(f"{request.node}.{key}"):
                shutil.copytree(content, folder, dirs_exist_ok=True)
            else:
                _write(folder / "result", self.results.get(f"{request.node}.{key}", result))
            if kind == "RecordIndex" and self.training_index:
                (folder / "Split-train").mkdir()
                (folder / "Split-train" / "index").write_text(self.training_index)
            outputs[key] = (kind, str(folder))
        properties: dict[str, Any] = {**PROPERTIES}
        if request.node == "Pusher" and self.blessed:
            model = self.store.artifact(request.inputs["model"])
            properties |= self._stage(str(known), model)
        if request.node in self.dying:
            raise SystemExit("killed")
        records.publish(known, outputs, properties)
        return known

    def _stage(self, version: str, model: StoredArtifact) -> Mapping[str, Any]:
        """What the Pusher does: a version that holds the same is named again."""
        weights = (Path(model.uri) / "result").read_text()
        for name in self.versions.names():
            if (self.versions.path(name) / "weights").read_text() == weights:
                version = name
                break
        else:
            self.versions.stage(version, lambda folder: _fill(folder, weights))
        return {
            "pushed": 1,
            "pushed_version": version,
            "pushed_destination": str(self.versions.path(version)),
            "model_digest": model.digest,
        }


def _fill(folder: Path, weights: str) -> None:
    (folder / "weights").write_text(weights)
    (folder / PROVENANCE).write_text(json.dumps(STATED))
    (folder / MODEL_CARD).write_text("# Model card\n")


def _write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
