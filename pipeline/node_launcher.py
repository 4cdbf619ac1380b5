"""Launching the nodes of one run, and recording what they made."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.failure import full_disk_told
from pipeline.launch_request import LaunchRequest
from pipeline.launch_site import LaunchSite
from pipeline.leases import Lease
from pipeline.node_process import NodeFailureError, NodeServer
from pipeline.nodes import Node
from pipeline.outside_content import OutsideContent
from pipeline.planning import Step
from pipeline.recording import record_success
from pipeline.run_record import FAILED_NODE
from pipeline.run_reports import Report
from pipeline.store import Store, StoredArtifact, StoredExecution
from pipeline.world import PipelineWorld
from preprocessing.base.file_watch import ContentChangedError

Launch = Callable[[LaunchRequest, Path | None, Callable[[Report], None]], int]


class NodeLauncher:
    """Launches nodes on the code of the run.

    logs: the folder of what nodes print; None where that is the caller's own output.
    launch: launches a node and returns its execution's id; by default in a process that the run's server forks.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        store: Store,
        world: PipelineWorld,
        run_id: str,
        logs: Path | None,
        launch: Launch | None,
    ) -> None:
        self._loaded = loaded
        self._store = store
        self._world = world
        self._run_id = run_id
        self._logs = logs
        self._launch = launch
        self._server: NodeServer | None = None

    def prepare(self, nodes: Sequence[Node]) -> None:
        """Start the server of the nodes that may be launched, in this order, unless it is there already.

        It imports while the run does what comes before its first node.
        """
        if nodes and self._launch is None:
            log = self._logs and self._logs / "warm_server.log"
            with full_disk_told():
                code = self._world.code.write(self._loaded.workspace / "code")
                self._server = NodeServer(code, [node.name for node in nodes], log)
            self._launch = self._server.run

    def prepare_before_plan(self, nodes: Sequence[Node]) -> None:
        """The same where the first of the nodes has never completed: the first plan of a workspace reads all code."""
        if not any(self._world.history(nodes[0])):
            self.prepare(nodes)

    def run(
        self,
        step: Step,
        inputs: Mapping[str, StoredArtifact],
        lease: Lease,
        on_report: Callable[[Report], None],
    ) -> StoredExecution:
        """Launch a step's node on its inputs (input key -> artifact) and record it.

        Raises NodeFailureError where it fails or what it reads from outside changes meanwhile, LeaseLostError where
        another process took the node over.
        """
        try:
            return self._run(step, inputs, lease, on_report)
        except (NodeFailureError, ContentChangedError) as error:
            # What fails before TFX has registered its execution has none.
            self._store.update_run(self._run_id, {FAILED_NODE: step.node.name})
            if isinstance(error, NodeFailureError):
                raise
            raise NodeFailureError(step.node.name, str(error), False, None) from error

    def _run(
        self,
        step: Step,
        inputs: Mapping[str, StoredArtifact],
        lease: Lease,
        on_report: Callable[[Report], None],
    ) -> StoredExecution:
        began = time.monotonic()
        outside = OutsideContent(self._world, step.node, inputs)
        node, log = step.node, self._logs and self._logs / f"{step.node.name}.log"
        assert step.ingredients is not None
        site = LaunchSite(
            self._store, self._loaded.workspace, self._run_id, step.key, inputs, step.ingredients
        )
        request = LaunchRequest(
            loaded=self._loaded,
            node=node.name,
            run_id=self._run_id,
            key=step.key,
            inputs={key: artifact.id for key, artifact in inputs.items()},
            lease=(lease.key, lease.generation),
            environment=site.environment(node, self._loaded.config),
        )

        def say(report: Report) -> None:
            lease.check_beats()
            on_report(report)

        self.prepare([node])
        assert self._launch is not None
        execution_id = self._launch(request, log, say)
        state = self._store.execution(execution_id).state
        if state != "COMPLETE":
            raise NodeFailureError(node.name, f"its execution ended {state}", False, log)
        outside.check()
        self._world.keep_files(node)
        seconds = time.monotonic() - began
        world = self._world
        execution = record_success(
            self._store, world.manifests, world.code, step, execution_id, seconds, lease
        )
        # The checkpoints have done their work; a forced run under this key must not resume from its end.
        shutil.rmtree(site.checkpoints, ignore_errors=True)
        return execution

    def close(self) -> None:
        """End the node processes."""
        if self._server is not None:
            self._server.close()
