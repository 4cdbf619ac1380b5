"""The run: carry out a plan, reuse what is there, launch what is not, record all of it."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import lineage
from pipeline.config import LoadedConfig
from pipeline.launch_request import LaunchRequest
from pipeline.node_process import NodeFailureError, run_node, run_node_here, start_warm_server
from pipeline.nodes import node_table
from pipeline.planning import Step, carry_out, decide, output_digests, plan
from pipeline.recording import (
    LOCAL_RUN,
    abandon_dead_runs,
    clear_execution,
    git_commit,
    record_success,
)
from pipeline.run_lock import workspace_lock
from pipeline.run_reports import Display, NodeState, Report, RunResult
from pipeline.selection import Scope, Selection
from pipeline.store import StoredArtifact, StoredExecution
from pipeline.world import PipelineWorld
from preprocessing.errors import InputError

Launch = Callable[[LaunchRequest, Path, Callable[[Report], None]], int]


def run_pipeline(loaded: LoadedConfig, selection: Selection, display: Display) -> RunResult:
    """Do what is out of date. Raises InputError, NodeFailureError or WorkspaceBusyError.

    Each node that must run gets a process of its own.
    """
    run_id = f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}"
    workspace = loaded.workspace
    with workspace_lock(workspace, run_id):
        run = PipelineRun(loaded, run_id, display, _launch_in_process(workspace))
        try:
            for dead in abandon_dead_runs(run.world.store, workspace):
                display.note(f"run {dead} was abandoned; what it left unfinished is cleared away")
            return run.run(selection)
        finally:
            run.world.close()


def run_single_node(loaded: LoadedConfig, name: str, run_id: str, display: Display) -> RunResult:
    """Do one node of a run, as a container does it: its upstream nodes have run under the same run id."""
    Selection(first=name).scope(node_table(loaded.config))
    with workspace_lock(loaded.workspace, run_id, shared=True):
        run = PipelineRun(
            loaded, run_id, display, lambda request, log, say: run_node_here(request, say)
        )
        try:
            return run.run_node(name)
        finally:
            run.world.close()


class PipelineRun:
    """One run in progress."""

    def __init__(self, loaded: LoadedConfig, run_id: str, display: Display, launch: Launch) -> None:
        self.loaded = loaded
        self.world = PipelineWorld(loaded)
        self.result = RunResult(run_id)
        self._display = display
        self._launch = launch
        self._done: dict[str, StoredExecution] = {}

    def run(self, selection: Selection) -> RunResult:
        """Plan the selection and carry the plan out. Raises InputError, before anything runs, where there is none."""
        began = time.monotonic()
        nodes = node_table(self.loaded.config)
        scope = selection.scope(nodes)
        steps = plan(scope, self.world)
        self._register(LOCAL_RUN)
        state = "abandoned"
        try:
            carry_out(steps, self.world, scope, self._do)
            for node in nodes:
                if node not in scope.nodes:
                    self._end(node.name, "skipped", 0.0)
            state = "complete"
        except (NodeFailureError, InputError):
            state = "failed"
            raise
        finally:
            self._close(state)
        self.result.seconds = time.monotonic() - began
        return self.result

    def run_node(self, name: str) -> RunResult:
        """Do one node, on what its upstream nodes made in this run."""
        self._register("containers")
        store, run_id = self.world.store, self.result.run_id
        for execution in store.executions_of_run(run_id):
            # One that died between TFX's COMPLETE and our record has no key; launching it again completes its record.
            if execution.state in ("COMPLETE", "CACHED") and execution.key:
                self._done[execution.node] = execution
        nodes = node_table(self.loaded.config)
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
        known = {done: output_digests(execution) for done, execution in self._done.items()}
        try:
            self._do(decide(node, known, self.world, Scope([node], frozenset([name]))))
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

    def _do(self, step: Step) -> StoredExecution:
        began, name = time.monotonic(), step.node.name
        if step.reusable is not None:
            execution = step.reusable
            self.world.store.write_cached(self.result.run_id, execution, {"seconds": 0.0})
            self._end(name, "cached", 0.0)
        else:
            self._display.started(step)
            try:
                execution = self._launch_step(step, began)
            except NodeFailureError:
                self._end(name, "failed", time.monotonic() - began)
                raise
            self._end(name, "run", execution.seconds)
        self._done[name] = execution
        self._note_result(execution)
        return execution

    def _launch_step(self, step: Step, began: float) -> StoredExecution:
        node, workspace = step.node, self.loaded.workspace
        log = workspace / "logs" / self.result.run_id / f"{node.name}.log"
        request = LaunchRequest(
            loaded=self.loaded,
            node=node.name,
            run_id=self.result.run_id,
            key=step.key,
            inputs={key: artifact.id for key, artifact in self._inputs(step).items()},
            environment=self._paths(step),
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
        shutil.rmtree(_LaunchSite(self, step).checkpoints, ignore_errors=True)
        return execution

    def _inputs(self, step: Step) -> Mapping[str, StoredArtifact]:
        inputs = {}
        for key, source in step.node.inputs.items():
            producer, output = source.split(".")
            inputs[key] = self._done[producer].outputs[output]
        if step.node.champion and self.loaded.config.evaluation.champion:
            champion = self.world.champion(inputs["model"].digest)
            if champion is not None:
                inputs["champion"] = champion
        return inputs

    def _paths(self, step: Step) -> Mapping[str, str]:
        """The paths of this machine that the node finds in its environment."""
        site = _LaunchSite(self, step)
        return {variable: str(path(site)) for variable, path in step.node.paths.items()}

    def write_lineage(self, step: Step) -> Path:
        """Write the lineage of a step's inputs into a file of the run."""
        behind = lineage.executions_behind(self.world.store, self._inputs(step))
        path = self.loaded.workspace / "logs" / self.result.run_id / "lineage.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(lineage.provenance(behind)), encoding="utf-8")
        return path

    def _note_result(self, execution: StoredExecution) -> None:
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


@dataclass(frozen=True)
class _LaunchSite:
    """One step of a run, as `nodes.LaunchSite`."""

    run: PipelineRun
    step: Step

    @property
    def workspace(self) -> Path:
        return self.run.loaded.workspace

    @property
    def checkpoints(self) -> Path:
        return self.workspace / "checkpoints" / self.step.key

    def write_lineage(self) -> Path:
        return self.run.write_lineage(self.step)


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
