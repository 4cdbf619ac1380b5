"""BaseModel: TFX's Importer, on the folder of a checkpoint."""

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.types.standard_artifacts import Model

from components.declared import Declared


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return Importer(
        source_uri=declared.externals["base_model"],
        artifact_type=Model,
        # Importer matches URI and properties, not content; a launch always wants a new artifact.
        reimport=True,
        output_key="model",
    )
