"""What the store is told about an execution beyond what TFX writes, and how a dead one is cleared away."""

import platform
import shutil
import time
from pathlib import Path

from pipeline.code_snapshot import CodeSnapshot
from pipeline.leases import Lease
from pipeline.manifests import Manifests
from pipeline.planning import Step, reasons_text
from pipeline.store import Store, StoredExecution


def record_success(
    store: Store,
    manifests: Manifests,
    code: CodeSnapshot,
    step: Step,
    execution_id: int,
    seconds: float,
    lease: Lease,
) -> StoredExecution:
    """Write key, reason, ingredients, code and seconds of a COMPLETE execution and the digests of its outputs.

    Raises LeaseLostError, and nothing is written, where another process has taken the node's lease over.
    """
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
        **code.properties(),
        "reason": reasons_text(step.reasons),
        "machine": f"{platform.system()} {platform.machine()}",
        "seconds": seconds,
        "finished": time.time(),
    }
    lease.renew(
        lambda following: store.record_success(execution_id, properties, outputs, following)
    )
    return store.execution(execution_id)


def clear_execution(
    store: Store, workspace: Path, execution: StoredExecution, abandoned: bool
) -> None:
    """End an execution that was not finished, and remove what it left behind."""
    store.close_execution(execution.id, abandoned)
    folder = workspace / "artifacts" / execution.node
    leftovers = [*folder.glob(f"*/{execution.id}"), *folder.glob(f".system/*/{execution.id}")]
    for path in leftovers:
        shutil.rmtree(path, ignore_errors=True)
