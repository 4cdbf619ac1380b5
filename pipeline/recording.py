"""What the store is told about an execution beyond what TFX writes, and how a dead one is cleared away."""

import platform
import shutil
import subprocess
import time
from functools import lru_cache
from pathlib import Path

from pipeline.code_digest import PROJECT_ROOT
from pipeline.manifests import Manifests
from pipeline.planning import Step
from pipeline.store import Store, StoredExecution, StoredRun

# How a run was launched: by one `gpt2-tfx run`, whose lock tells whether it lives, or by an orchestrator's containers.
LOCAL_RUN = "run"


def record_success(
    store: Store, manifests: Manifests, step: Step, execution_id: int, seconds: float
) -> StoredExecution:
    """Write key, ingredients, commit and seconds of a COMPLETE execution and the digests of its outputs."""
    assert step.ingredients is not None
    outputs: dict[int, dict[str, str | int]] = {}
    for artifact in store.execution(execution_id).outputs.values():
        manifest = manifests.describe(artifact)
        outputs[artifact.id] = {
            "digest": manifest.canonical(artifact.type),
            "manifest_digest": manifests.write(manifest),
            "files": len(manifest.files),
            "bytes": sum(size for size, _ in manifest.files.values()),
        }
    properties: dict[str, str | float] = {
        "node": step.node.name,
        "node_key": step.key,
        **step.ingredients.to_properties(),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "seconds": seconds,
        "finished": time.time(),
    }
    store.record_success(execution_id, properties, outputs)
    return store.execution(execution_id)


def clear_execution(
    store: Store, workspace: Path, execution: StoredExecution, abandoned: bool
) -> None:
    """End an execution that is still registered as running, and remove what it left behind."""
    store.close_execution(execution.id, abandoned)
    folder = workspace / "artifacts" / execution.node
    leftovers = [*folder.glob(f"*/{execution.id}"), *folder.glob(f".system/*/{execution.id}")]
    for path in leftovers:
        shutil.rmtree(path, ignore_errors=True)


def abandon_dead_runs(store: Store, workspace: Path) -> list[str]:
    """Close every run of this workspace that is registered as running; call it only while holding its lock.

    A shared store may hold live runs of other workspaces, and between two containers of a run nobody holds the lock.
    """
    dead = [
        run
        for run in store.runs()
        if run.properties.get("state") == "running" and is_ours(run, workspace)
    ]
    for run in dead:
        for execution in store.running(run.run_id):
            clear_execution(store, workspace, execution, abandoned=True)
        store.update_run(run.run_id, {"state": "abandoned", "finished": time.time()})
    return [run.run_id for run in dead]


def is_ours(run: StoredRun, workspace: Path) -> bool:
    """Whether a run is one that the lock of this workspace speaks of."""
    properties = run.properties
    return (
        properties.get("workspace") == str(workspace) and properties.get("launched_by") == LOCAL_RUN
    )


@lru_cache(maxsize=1)
def git_commit() -> str:
    """The commit of the project's checkout, with `+changes` where files differ from it; empty outside git."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(PROJECT_ROOT), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        changes = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}+changes" if changes else commit
