"""The run: walk the node table, reuse what is there, launch what is not, record all of it."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from components.options import LINEAGE_VARIABLE
from pipeline import lineage
from pipeline.config import LoadedConfig
from pipeline.launch_request import LaunchRequest
from pipeline.node_process import NodeFailureError, run_node, run_node_here, start_warm_server
from pipeline.nodes import Node, node_table
from pipeline.planning import Step, decide, input_digests
from pipeline.recording import (
    LOCAL_RUN,
    abandon_dead_runs,
    clear_execution,
    git_commit,
    record_success,
)
from pipeline.run_lock import workspace_lock
from pipeline.store import StoredArtifact, StoredExecution
from pipeline.world import PipelineWorld
from preprocessing.errors import InputError
from preprocessing.job_memory import MEMORY_VARIABLE
from trainer.options import CHECKPOINTS_VARIABLE

NodeState = Literal["run", "cached", "failed", "skipped"]
Report = dict[str, Any]
Launch = Callable[[LaunchRequest, Path, Callable[[Report], None]], int]


class Display(Protocol):
    """What is told about a run while it goes on."""

    def started(self, step: Step) -> None:
        """A node is launched."""

    def report(self, node: str, report: Report) -> None:
        """A node says how far it is; an empty report says that time passed."""

    def ended(self, node: str, state: NodeState, seconds: float) -> None:
        """A node is done with."""

    def note(self, text: str) -> None:
        """Anything else worth a line."""


@dataclass(frozen=True)
class Selection:
    """first, last: NODE of --from and --to. forced: nodes that run although they need not."""

    first: str | None = None
    last: str | None = None
    forced: tuple[str, ...] = ()

    def names(self, nodes: list[Node]) -> set[str]:
        """The nodes that may run: those that `first` reaches and `last` needs."""
        known = {node.name: node for node in nodes}
        for name in (self.first, self.last, *self.forced):
            if name is not None and name not in known:
                raise InputError(f"{name}: no node of this pipeline; there are {', '.join(known)}.")
        chosen = set(known)
        if self.first is not None:
            chosen &= _downstream(nodes, self.first)
        if self.last is not None:
            chosen &= _upstream(known, self.last)
        if not chosen:
            raise InputError(f"--from {self.first} --to {self.last}: no node lies between them.")
        for name in self.forced:
            if name not in chosen:
                raise InputError(f"--force {name}: --from and --to leave it out; drop one of them.")
        return chosen


@dataclass
class RunResult:
    """What a run came to. blessed: None where nothing was evaluated."""

    run_id: str
    nodes: dict[str, NodeState] = field(default_factory=dict)
    blessed: bool | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    evaluation: Path | None = None
    pushed: str | None = None
    seconds: float = 0.0

    @property
    def launched(self) -> int:
        return sum(state == "run" for state in self.nodes.values())


def run_pipeline(loaded: LoadedConfig, selection: Selection, display: Display) -> RunResult:
    """Do what is out of date. Raises InputError, NodeFailureError or WorkspaceBusyError.

    Each node that must run gets a process of its own.
    """
    run_id = f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}"
    nodes = node_table(loaded.config)
    chosen = selection.names(nodes)
    workspace = loaded.workspace
    with workspace_lock(workspace, run_id):
        walk = Walk(loaded, run_id, display, _launch_in_process(workspace))
        try:
            for dead in abandon_dead_runs(walk.world.store, workspace):
                display.note(f"run {dead} was abandoned; what it left unfinished is cleared away")
            return walk.run(nodes, chosen, selection)
        finally:
            walk.world.close()


def run_single_node(loaded: LoadedConfig, name: str, run_id: str, display: Display) -> RunResult:
    """Do one node of a run, as a container does it: its upstream nodes have run under the same run id."""
    nodes = node_table(loaded.config)
    Selection(first=name).names(nodes)
    with workspace_lock(loaded.workspace, run_id, shared=True):
        walk = Walk(loaded, run_id, display, lambda request, log, say: run_node_here(request, say))
        try:
            return walk.run_one(nodes, name)
        finally:
            walk.world.close()


class Walk:
    """One run in progress."""

    def __init__(self, loaded: LoadedConfig, run_id: str, display: Display, launch: Launch) -> None:
        self.loaded = loaded
        self.world = PipelineWorld(loaded)
        self.result = RunResult(run_id)
        self._display = display
        self._launch = launch
        self._done: dict[str, StoredExecution] = {}

    def run(self, nodes: list[Node], chosen: set[str], selection: Selection) -> RunResult:
        """Walk the whole table."""
        began = time.monotonic()
        self._register(LOCAL_RUN)
        state = "abandoned"
        try:
            needed = set().union(*(_upstream({n.name: n for n in nodes}, name) for name in chosen))
            for node in nodes:
                if node.name in needed:
                    self._node(node, node.name in chosen, selection.forced)
                else:
                    self._end(node.name, "skipped", 0.0)
            state = "complete"
        except (NodeFailureError, InputError):
            state = "failed"
            raise
        finally:
            self._close(state)
        self.result.seconds = time.monotonic() - began
        return self.result

    def run_one(self, nodes: list[Node], name: str) -> RunResult:
        """Do one node, on what its upstream nodes made in this run."""
        self._register("containers")
        store, run_id = self.world.store, self.result.run_id
        for execution in store.executions_of_run(run_id):
            # One that died between TFX's COMPLETE and our record has no key; launching it again completes its record.
            if execution.state in ("COMPLETE", "CACHED") and execution.key:
                self._done[execution.node] = execution
        node = next(node for node in nodes if node.name == name)
        missing = [upstream for upstream in node.upstream if upstream not in self._done]
        if missing:
            raise InputError(f"{name}: {', '.join(missing)} has not run in run {run_id} yet.")
        if name in self._done:
            self._display.note(f"{name} is complete in run {run_id} already")
            return self.result
        for execution in store.running(run_id):
            if execution.node == name:
                clear_execution(store, self.loaded.workspace, execution, abandoned=True)
        try:
            self._node(node, True, ())
        except BaseException:
            store.update_run(run_id, {"state": "failed", "finished": time.time()})
            raise
        if name == nodes[-1].name:
            store.update_run(run_id, {"state": "complete", "finished": time.time()})
        return self.result

    def _register(self, launched_by: str) -> None:
        self.world.store.start_run(
            self.result.run_id,
            {
                "pipeline": self.loaded.config.name,
                "workspace": str(self.loaded.workspace),
                "launched_by": launched_by,
                **{f"config:{key}": json.dumps(value) for key, value in self.loaded.flat().items()},
                "git_commit": git_commit(),
            },
        )

    def _close(self, state: str) -> None:
        store, run_id = self.world.store, self.result.run_id
        for execution in store.running(run_id):
            clear_execution(store, self.loaded.workspace, execution, state == "abandoned")
        store.update_run(run_id, {"state": state, "finished": time.time()})

    def _node(self, node: Node, may_run: bool, forced: Collection[str]) -> None:
        began = time.monotonic()
        outputs = {
            name: {key: artifact.digest for key, artifact in execution.outputs.items()}
            for name, execution in self._done.items()
        }
        step = decide(node, input_digests(node, outputs), self.world, forced if may_run else ())
        if step.reusable is not None:
            self._done[node.name] = step.reusable
            seconds = time.monotonic() - began
            self.world.store.write_cached(self.result.run_id, step.reusable, {"seconds": seconds})
            self._end(node.name, "cached", seconds)
        elif not may_run:
            why = "; ".join(reason.detail for reason in step.reasons)
            raise InputError(
                f"{node.name} is out of date ({why}) and --from leaves it out; run without --from."
            )
        else:
            self._display.started(step)
            try:
                execution = self._run(step, began)
            except NodeFailureError:
                self._end(node.name, "failed", time.monotonic() - began)
                raise
            self._done[node.name] = execution
            self._end(node.name, "run", execution.seconds)
        self._note_result(node, self._done[node.name])

    def _run(self, step: Step, began: float) -> StoredExecution:
        node, workspace = step.node, self.loaded.workspace
        log = workspace / "logs" / self.result.run_id / f"{node.name}.log"
        request = LaunchRequest(
            loaded=self.loaded,
            node=node.name,
            run_id=self.result.run_id,
            key=step.key,
            inputs={key: artifact.id for key, artifact in self._inputs(step).items()},
            environment=self._environment(step),
        )
        execution_id = self._launch(
            request, log, lambda report: self._display.report(node.name, report)
        )
        store = self.world.store
        state = store.execution(execution_id).state
        if state != "COMPLETE":
            raise NodeFailureError(node.name, f"its execution ended {state}", False, log)
        seconds = time.monotonic() - began
        execution = record_success(store, self.world.manifests, step, execution_id, seconds)
        # The checkpoints have done their work; a forced run under this key must not resume from its end.
        shutil.rmtree(workspace / "checkpoints" / step.key, ignore_errors=True)
        return execution

    def _inputs(self, step: Step) -> Mapping[str, StoredArtifact]:
        inputs = {}
        for key, source in step.node.inputs.items():
            producer, output = source.split(".")
            inputs[key] = self._done[producer].outputs[output]
        if "champion" in step.node.externals and self.loaded.config.evaluation.champion:
            champion = self.world.champion(inputs["model"].digest)
            if champion is not None:
                inputs["champion"] = champion
        return inputs

    def _environment(self, step: Step) -> Mapping[str, str]:
        """The paths of this machine that the node is handed."""
        workspace = self.loaded.workspace
        if step.node.handed == "checkpoints":
            return {CHECKPOINTS_VARIABLE: str(workspace / "checkpoints" / step.key)}
        if step.node.handed == "memory":
            return {MEMORY_VARIABLE: str(workspace)}
        if step.node.handed == "lineage":
            behind = lineage.executions_behind(self.world.store, self._inputs(step))
            path = workspace / "logs" / self.result.run_id / "lineage.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(lineage.provenance(behind)), encoding="utf-8")
            return {LINEAGE_VARIABLE: str(path)}
        return {}

    def _note_result(self, node: Node, execution: StoredExecution) -> None:
        if "blessing" in execution.outputs and "evaluation" in execution.outputs:
            evaluation = execution.outputs["evaluation"]
            self.result.blessed = execution.outputs["blessing"].properties.get("blessed") == 1
            self.result.metrics = json.loads(str(evaluation.properties["metrics"]))
            self.result.evaluation = Path(evaluation.uri)
        if "pushed_model" in execution.outputs:
            version = execution.outputs["pushed_model"].properties.get("pushed_version")
            self.result.pushed = None if version is None else str(version)

    def _end(self, name: str, state: NodeState, seconds: float) -> None:
        self.result.nodes[name] = state
        self._display.ended(name, state, seconds)


def _launch_in_process(workspace: Path) -> Launch:
    """Launch in child processes; the warm server starts with the first."""
    started = False

    def launch(request: LaunchRequest, log: Path, say: Callable[[Report], None]) -> int:
        nonlocal started
        if not started:
            start_warm_server(workspace / "logs" / request.run_id / "warm_server.log")
            started = True
        return run_node(request, log, say)

    return launch


def _downstream(nodes: list[Node], first: str) -> set[str]:
    reached = {first}
    for node in nodes:
        if reached & set(node.upstream):
            reached.add(node.name)
    return reached


def _upstream(nodes: Mapping[str, Node], last: str) -> set[str]:
    reached, waiting = set(), [last]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += nodes[name].upstream
    return reached
