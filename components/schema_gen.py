"""ImportSchemaGen: TFX's own, on a curated schema."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode

from components.declared import Declared
from preprocessing.base.errors import InputError


def build(declared: Declared) -> BaseNode:
    """The component of the node. Raises InputError for a file that is no schema."""
    file = declared.externals["schema"]
    try:
        text_format.Parse(Path(file).read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise InputError(
            f"validation.schema: {file}: not a schema of TensorFlow Metadata in text form: {error}. Mend the file."
        ) from error
    return ImportSchemaGen(schema_file=file)
