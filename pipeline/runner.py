"""The run: carry out a plan, reuse what is there, launch what is not, record all of it."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.erasure.holding import require_exclusions
from pipeline.failure import full_disk_told
from pipeline.leases import (
    GC_LEASE,
    RUN_LEASE,
    SERVING_LEASE,
    Lease,
    LeaseLostError,
    Leases,
    node_lease,
)
from pipeline.node_launcher import Launch, NodeLauncher
from pipeline.node_process import NodeFailureError
from pipeline.nodes import Node, node_table
from pipeline.planning import Step, carry_out, decide, output_digests, plan
from pipeline.recording import clear_execution
from pipeline.run_record import (
    CONTAINERS,
    LOCAL_RUN,
    abandon_dead_runs,
    check_run_id,
    note_lease,
    register_run,
)
from pipeline.run_reports import Display, NodeState, RunResult
from pipeline.selection import Scope, Selection
from pipeline.serving_pointer import ServingPointer
from pipeline.store import Store, StoredArtifact, StoredExecution
from pipeline.version_signing import VersionSigner
from pipeline.world import PipelineWorld
from preprocessing.base.errors import FailureError, InputError


def run_pipeline(
    loaded: LoadedConfig, selection: Selection, display: Display, run_id: str
) -> RunResult:
    """Do what is out of date. Raises InputError, NodeFailureError or FailureError.

    Each node that must run gets a process of its own, on the code as it was when the run began.
    """
    run = PipelineRun(loaded, run_id, display)
    try:
        return run.run(selection)
    finally:
        run.close()


def run_single_node(loaded: LoadedConfig, name: str, run_id: str, display: Display) -> RunResult:
    """Do one node of a run, as a container does it: its upstream nodes have run under the same run id."""
    check_run_id(run_id)
    Selection(only=(name,)).scope(node_table(loaded.config))
    run = PipelineRun(loaded, run_id, display, logs=False)
    try:
        return run.run_node(name)
    finally:
        run.close()


class PipelineRun:
    """One run in progress.

    logs: whether what nodes print goes to files of the run; a container's is its own output.
    launch: see NodeLauncher.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        run_id: str,
        display: Display,
        logs: bool = True,
        launch: Launch | None = None,
        make_leases: Callable[[Store, str], Leases] = Leases,
    ) -> None:
        self.loaded = loaded
        self.store = Store(loaded.config.name, loaded.config.store, loaded.workspace)
        self._leases = make_leases(self.store, run_id)
        # What a local run holds all the time; the containers of a run share nothing.
        self._lease: Lease | None = None
        self.world = PipelineWorld(loaded, self.store)
        self.serving = ServingPointer(self.store, self.world.versions)
        self._signer = VersionSigner(loaded, self.store, self.world.manifests)
        self.result = RunResult(run_id)
        self._cause = f"run {run_id}"
        self._display = display
        folder = loaded.workspace / "logs" / run_id if logs else None
        self._launcher = NodeLauncher(loaded, self.store, self.world, run_id, folder, launch)
        self._done: dict[str, StoredExecution] = {}

    def run(self, selection: Selection) -> RunResult:
        """Plan the selection and carry the plan out. Raises InputError, before anything runs, where there is none."""
        began = time.monotonic()
        nodes = node_table(self.loaded.config)
        scope = selection.scope(nodes)
        with self._leases.acquire(RUN_LEASE, wait=False, say=self._display.note) as self._lease:
            self._abandon_dead_runs()
            if self.serving.is_unsettled():
                # A container may be staging a version.
                with self._serving_lease() as serving:
                    self.serving.recover(self._cause, serving.check)
            require_exclusions(self.loaded, self.store, scope.nodes)
            self._launcher.prepare_before_plan(scope.nodes)
            steps = plan(scope, self.world)
            self._launcher.prepare([step.node for step in steps if step.action != "reuse"])
            self._register(LOCAL_RUN, nodes)
            state = "abandoned"
            try:
                with full_disk_told():
                    carry_out(steps, self.world, scope, self._do)
                for node in nodes:
                    if node not in scope.nodes:
                        self._end(node.name, "skipped", 0.0)
                state = "complete"
            except (NodeFailureError, InputError, FailureError):
                state = "failed"
                raise
            finally:
                self._close(state)
        self.result.seconds = time.monotonic() - began
        return self.result

    def run_node(self, name: str) -> RunResult:
        """Do one node, on what its upstream nodes made in this run."""
        nodes = node_table(self.loaded.config)
        node = next(node for node in nodes if node.name == name)
        require_exclusions(self.loaded, self.store, [node])
        self._leases.command = f"gpt2-tfx node {name}"
        self._register(CONTAINERS, nodes)
        # gc looks which runs there are when it has this, so that none of the two misses the other.
        self._leases.wait_for(GC_LEASE, self._display.note)
        self._abandon_dead_runs()
        store, run_id = self.store, self.result.run_id
        for execution in store.executions_of_run(run_id):
            if execution.state in ("COMPLETE", "CACHED") and execution.key:
                self._done[execution.node] = execution
        if missing := [upstream for upstream in node.upstream if upstream not in self._done]:
            raise InputError(f"{name}: {', '.join(missing)} has not run in run {run_id} yet.")
        try:
            if name in self._done:
                self._display.note(f"{name} is complete in run {run_id} already")
                self._note_result(self._done[name], None)
            else:
                known = {done: output_digests(execution) for done, execution in self._done.items()}
                self._do(decide(node, known, self.world, Scope([node], frozenset([name]))))
        except LeaseLostError:
            # Another container has this node now; what becomes of the run is that one's to say.
            raise
        except BaseException:
            store.update_run(run_id, {"state": "failed", "finished": time.time()})
            raise
        if name == nodes[-1].name:
            store.update_run(run_id, {"state": "complete", "finished": time.time()})
        return self.result

    def close(self) -> None:
        """End the node processes and keep what was learned about files."""
        self._launcher.close()
        self.world.close()

    def _register(self, launched_by: str, nodes: list[Node]) -> None:
        names, code = [node.name for node in nodes], self.world.code
        register_run(
            self.store, self.loaded, self.result.run_id, launched_by, names, self._lease, code
        )

    def _abandon_dead_runs(self) -> None:
        for dead in abandon_dead_runs(self._leases, self.loaded.workspace):
            self._display.note(f"run {dead} was abandoned; what it left unfinished is cleared away")

    def _close(self, state: str) -> None:
        """Write how the run ended. Raises LeaseLostError, and nothing is written, where another took its place."""
        assert self._lease is not None
        self._lease.check()
        store, run_id = self.store, self.result.run_id
        for execution in store.unfinished(run_id):
            clear_execution(store, self.loaded.workspace, execution, state == "abandoned")
        store.update_run(run_id, {"state": state, "finished": time.time()})

    def _do(self, step: Step) -> StoredExecution:
        if self._lease is not None:
            self._lease.check()
        if step.reusable is not None:
            execution = self._reuse(step.reusable, None)
        else:
            containers = self._lease is None
            key = node_lease(step.node, step.key)
            with self._leases.acquire(key, wait=containers, say=self._display.note) as lease:
                if containers:
                    note_lease(self.store, self.result.run_id, step.node.name, lease)
                found = self._found_meanwhile(step)
                execution = self._reuse(found, lease) if found else self._run(step, lease)
        self._done[step.node.name] = execution
        return execution

    def _reuse(self, execution: StoredExecution, lease: Lease | None) -> StoredExecution:
        self.store.write_cached(self.result.run_id, execution, {"seconds": 0.0})
        self._note_result(execution, lease)
        self._end(execution.node, "cached", 0.0)
        return execution

    def _found_meanwhile(self, step: Step) -> StoredExecution | None:
        """What another process has recorded under the key since this one decided, or while it waited for the lease."""
        if any(reason.kind == "forced" for reason in step.reasons):
            return None
        found = self.world.find(step.node, step.key)
        return found if found and self.world.why_unusable(step.node, found) is None else None

    def _run(self, step: Step, lease: Lease) -> StoredExecution:
        began, name = time.monotonic(), step.node.name
        self._clear_earlier_attempts(step, lease)
        self._display.started(step)
        try:
            execution = self._launcher.run(
                step, self._inputs(step), lease, lambda report: self._display.report(name, report)
            )
            self._note_result(execution, lease)
        except BaseException as error:
            if self._lease is None and not isinstance(error, LeaseLostError):
                # A container that is stopped knows of no `_close`, and still has the node's lease.
                lease.check()
                self._clear_attempts(name)
            if isinstance(error, (NodeFailureError, LeaseLostError)):
                self._end(name, "failed", time.monotonic() - began)
            raise
        self._end(name, "run", execution.seconds)
        return execution

    def _clear_earlier_attempts(self, step: Step, lease: Lease) -> None:
        """Clear what an earlier container of this node in this run left. Raises InputError if its key was another."""
        store, run_id, name = self.store, self.result.run_id, step.node.name
        if any(node == name and key != step.key for node, key in store.keys_begun(run_id)):
            raise InputError(
                f"{name}: run {run_id} began it with other input, code or parameters than are there now. "
                "One run has one state of everything: start a run of another id."
            )
        self._clear_attempts(name)
        if lease.key == SERVING_LEASE:
            self.serving.recover(self._cause, lease.check)

    def _clear_attempts(self, name: str) -> None:
        for execution in self.store.unfinished(self.result.run_id):
            if execution.node == name:
                clear_execution(self.store, self.loaded.workspace, execution, abandoned=True)

    def _inputs(self, step: Step) -> Mapping[str, StoredArtifact]:
        inputs = {}
        for key, source in step.node.inputs.items():
            producer, output = source.split(".")
            inputs[key] = self._done[producer].outputs[output]
        asked = step.node.champion and self.loaded.config.evaluation.not_worse
        if asked and (champion := self.world.champion(inputs["model"].digest)):
            inputs["champion"] = champion
        return inputs

    def _note_result(self, execution: StoredExecution, lease: Lease | None) -> None:
        """Take what is told of a run from an execution. lease: of the node, where it is held."""
        if "blessing" in execution.outputs and "evaluation" in execution.outputs:
            evaluation = execution.outputs["evaluation"]
            self.result.blessed = execution.outputs["blessing"].properties.get("blessed") == 1
            self.result.metrics = json.loads(str(evaluation.properties["metrics"]))
            self.result.evaluation = Path(evaluation.uri)
        if "pushed_model" in execution.outputs:
            self._serve(execution.outputs["pushed_model"], lease)

    def _serve(self, pushed: StoredArtifact, lease: Lease | None) -> None:
        """Publish what the Pusher staged, now that it is recorded, and let `latest` name it."""
        version = pushed.properties.get("pushed_version")
        if version is None:
            return
        before = self.world.versions.latest()
        if lease is not None:
            self.serving.serve(pushed, self._cause, lambda: self._check(lease))
            self.world.manifests.note_move(pushed)
        elif not self.serving.is_served(pushed):
            with self._serving_lease() as taken:
                self.serving.serve(pushed, self._cause, lambda: self._check(taken))
        self.result.pushed, self.result.pinned = str(version), self.serving.pinned()
        self.result.moved_latest = self.world.versions.latest() != before
        self._signer.sign(self._display.note)

    def _serving_lease(self) -> Lease:
        return self._leases.acquire(SERVING_LEASE, wait=True, say=self._display.note)

    def _check(self, lease: Lease) -> None:
        """Raise LeaseLostError where another process has the place of this run, or a lease that it took."""
        for held in (self._lease, lease):
            if held is not None:
                held.check()

    def _end(self, name: str, state: NodeState, seconds: float) -> None:
        self.result.nodes[name] = state
        self._display.ended(name, state, seconds)
