"""What contexts are called in the store. Each name says which workspace it is of, so that several share a store."""

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from preprocessing.base.errors import InputError
from preprocessing.base.staging import staged_beside

# The context types of TFX, which its launcher registers with the same names.
PIPELINE, RUN, NODE = "pipeline", "pipeline_run", "node"
# Ours: one context for each node key, registered together with the execution; leases; what happened to the versions
# that are served; what gc has removed; what was asked to be erased; what a purge has removed; the place of each of
# these events among all; the layout of the store.
KEY, LEASE, LAYOUT = "gpt2_tfx_key", "gpt2_tfx_lease", "gpt2_tfx_layout"
SERVING, COLLECTION, ERASURE = "gpt2_tfx_serving", "gpt2_tfx_collection", "gpt2_tfx_erasure"
PURGE, JOURNAL = "gpt2_tfx_purge", "gpt2_tfx_journal"


@dataclass(frozen=True)
class Names:
    """The names of one pipeline in one workspace. `workspace` is its id; empty in a store of layout 1."""

    pipeline: str
    workspace: str

    @property
    def _suffix(self) -> str:
        return f"@{self.workspace}" if self.workspace else ""

    @property
    def of_pipeline(self) -> str:
        return f"{self.pipeline}{self._suffix}"

    def of_node(self, node: str) -> str:
        return f"{self.of_pipeline}.{node}"

    def of_run(self, run_id: str) -> str:
        return f"{run_id}{self._suffix}"

    @property
    def of_serving(self) -> str:
        return f"{SERVING}{self._suffix}"

    @property
    def of_collections(self) -> str:
        return f"{COLLECTION}{self._suffix}"

    @property
    def of_purges(self) -> str:
        return f"{PURGE}{self._suffix}"

    @property
    def of_erasures(self) -> str:
        return f"{ERASURE}/{self.of_pipeline}"

    def of_event(self, number: int) -> str:
        return f"{JOURNAL}/{number}{self._suffix}"

    def event_number(self, context: str) -> int | None:
        """The place among the events of this workspace that a context stands for; None for another's."""
        number, _, workspace = context.removeprefix(f"{JOURNAL}/").partition("@")
        return int(number) if workspace == self.workspace else None

    def of_lease(self, key: str, generation: int) -> str:
        return f"lease/{key}{self._suffix}/{generation}"

    def lease(self, context: str) -> tuple[str, int]:
        """The key and generation of the lease that a context is."""
        key, _, generation = context.removeprefix("lease/").rpartition("/")
        return key.removesuffix(self._suffix), int(generation)

    def is_run(self, context: str) -> bool:
        """Whether the context of a run is one of this workspace."""
        return context.endswith(self._suffix)

    def run_id(self, context: str) -> str:
        """The id of the run that a context is of."""
        return context.removesuffix(self._suffix)

    def node(self, context: str) -> str:
        """The node that a context is of."""
        return context.removeprefix(f"{self.of_pipeline}.")


def key_name(node: str, key: str) -> str:
    """The context of a node key. It is of no workspace: equal keys mean equal results."""
    return f"{node}:{key}"


def node_and_key(context: str) -> tuple[str, str]:
    """The node and the key that a context is of."""
    node, _, key = context.partition(":")
    return node, key


def workspace_id(workspace: Path) -> str:
    """The id that a workspace keeps when it is moved or mounted elsewhere; empty where nothing has run yet.

    Raises InputError for a damaged one.
    """
    try:
        return (workspace / "id").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{workspace / 'id'}: not the id of a workspace ({error}). Bring it back from a backup: what has run is "
            "recorded under it."
        ) from error


def give_workspace_id(workspace: Path) -> str:
    """The id of a workspace, which is made where there is none; of two that make one, the first wins."""
    if not (workspace / "id").exists():
        workspace.mkdir(parents=True, exist_ok=True)
        staged = staged_beside(workspace / "id")
        staged.write_text(f"{uuid4().hex[:12]}\n", encoding="ascii")
        try:
            os.link(staged, workspace / "id")
        except FileExistsError:
            pass
        finally:
            staged.unlink()
    return workspace_id(workspace)
