"""Where one node of a run is launched: the paths that it finds, and the variables that name them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import lineage
from pipeline.config import Config
from pipeline.gpus import HIDDEN_GPUS, wants_gpu
from pipeline.nodes import Node
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.digests import sha256_json


@dataclass(frozen=True)
class LaunchSite:
    """The paths of one launch; it implements nodes.LaunchPaths.

    inputs: those of the node. installed: what is installed -> version or digest.
    """

    store: StoreReader
    workspace: Path
    run_id: str
    key: str
    inputs: Mapping[str, StoredArtifact]
    installed: Mapping[str, str]

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints under the node's key."""
        return self.workspace / "checkpoints" / self.key

    @property
    def scores(self) -> Path:
        """The folder of the scores that were computed with what is installed."""
        return self.workspace / "scores" / sha256_json(dict(self.installed))

    def write_lineage(self) -> Path:
        """The file of the run in which the lineage of the inputs was written."""
        path = self.workspace / "logs" / self.run_id / "lineage.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        behind = lineage.provenance(self.store, self.inputs)
        path.write_text(json.dumps(behind), encoding="utf-8")
        return path

    def environment(self, node: Node, config: Config) -> dict[str, str]:
        """The variables that a node finds in its environment: paths, and that it is to see no GPU."""
        paths = {variable: str(path(self)) for variable, path in node.paths.items()}
        hidden = node.gpu and not wants_gpu(node, config)
        return paths | (HIDDEN_GPUS if hidden else {})
