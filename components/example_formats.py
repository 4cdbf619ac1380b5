"""How our Examples artifacts say what they hold."""

from collections.abc import Sequence

from tfx.proto.example_gen_pb2 import PayloadFormat
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

# The name is TFX's, in a module of its example generators, which take seconds to import.
_PAYLOAD_FORMAT = "payload_format"


def mark_examples(examples: Artifact, splits: Sequence[str]) -> None:
    """Say which splits an Examples artifact has and that its records are tf.Examples."""
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    payload_format = PayloadFormat.Name(PayloadFormat.FORMAT_TF_EXAMPLE)
    examples.set_string_custom_property(_PAYLOAD_FORMAT, payload_format)
