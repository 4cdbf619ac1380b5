"""ImportSchemaGen: TFX's own, on a curated schema."""

from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode

from components.declared import Declared


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return ImportSchemaGen(schema_file=declared.externals["schema"])
