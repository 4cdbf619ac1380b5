"""Where one node of a run is launched: the paths that it finds, and the variables that name them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config
from pipeline.gpus import HIDDEN_GPUS, wants_gpu
from pipeline.keys import Ingredients
from pipeline.manifests import content_root
from pipeline.nodes import Node
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.digests import sha256_json
from preprocessing.base.file_watch import write_stats


@dataclass(frozen=True)
class LaunchSite:
    """The paths of one launch; it implements nodes.LaunchPaths.

    inputs: those of the node. ingredients: what the key was made of.
    """

    store: StoreReader
    workspace: Path
    run_id: str
    key: str
    inputs: Mapping[str, StoredArtifact]
    ingredients: Ingredients

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints under the node's key."""
        return self.workspace / "checkpoints" / self.key

    @property
    def scores(self) -> Path:
        """The folder of the scores that were computed with what is installed."""
        return self.workspace / "scores" / sha256_json(dict(self.ingredients.environment))

    def write_base_stats(self) -> Path:
        """The file of the run that says of the base model's files what `file_watch` looks at; empty without one."""
        path = self.workspace / "logs" / self.run_id / "base_model.json"
        base = self.inputs.get("base_model")
        write_stats(path, None if base is None else content_root(base))
        return path

    def write_lineage(self) -> Path:
        """The file of the run in which the lineage of the inputs was written."""
        path = self.workspace / "logs" / self.run_id / "lineage.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        # A run with nothing to do need not wait for all that lineage can answer.
        from pipeline.lineage import provenance

        behind = provenance(self.store, self.inputs)
        path.write_text(json.dumps(behind), encoding="utf-8")
        return path

    def environment(self, node: Node, config: Config) -> dict[str, str]:
        """The variables that a node finds in its environment: paths, and that it is to see no GPU."""
        paths = {variable: str(path(self)) for variable, path in node.paths.items()}
        hidden = node.gpu and not wants_gpu(node, config)
        return paths | self._digests(node) | (HIDDEN_GPUS if hidden else {})

    def _digests(self, node: Node) -> dict[str, str]:
        """The digests that what the node reads must have."""
        return {
            external.digest_variable: self.ingredients.externals[name]
            for name, external in node.externals.items()
            if external.digest_variable is not None
        }
