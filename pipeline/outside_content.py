"""That a node reads from outside the store what its key was made of: what does not is a failure, never a record."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.manifests import content_root
from pipeline.nodes import Node
from pipeline.store import StoredArtifact
from pipeline.world import PipelineWorld
from preprocessing.base.file_state import FileState
from preprocessing.base.file_watch import ContentChangedError, check_unchanged, file_states


class OutsideContent:
    """What one launch of a node reads from outside, as it was when its key was made.

    Raises ContentChangedError with a file's name where it is not so any more: on its making, and by `check`.
    """

    def __init__(
        self, world: PipelineWorld, node: Node, inputs: Mapping[str, StoredArtifact]
    ) -> None:
        self._reader = node.name
        self._before: dict[Path, dict[str, FileState]] = {}
        for external in node.externals.values():
            place = external.locate(world.loaded)
            root = Path(place or "")
            # What ships with the code is read from the run's snapshot of it.
            if place is not None and external.is_tree and not world.code.shipped(root):
                self._before[root] = file_states(root)
                _check_equal(root, world.tree(external), world.digests.tree(root))
        for artifact in inputs.values():
            self._check_recorded(world, artifact)

    def check(self) -> None:
        """After the node has ended: nothing has changed since before it began."""
        for root, before in self._before.items():
            check_unchanged(root, before, f"{self._reader} read it")

    def _check_recorded(self, world: PipelineWorld, artifact: StoredArtifact) -> None:
        """A base model stays where its owner has it, and was looked at when the run began."""
        if content_root(artifact).is_relative_to(world.loaded.workspace):
            return
        for mismatch in world.manifests.mismatches(artifact):
            raise ContentChangedError(Path(mismatch.path), "the run had yet to read it")


def _check_equal(root: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            path = root if root.is_file() else root / name
            raise ContentChangedError(path, "the run had yet to read it")
