"""How our Examples artifacts say what they hold."""

from collections.abc import Sequence

from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact


def mark_examples(examples: Artifact, splits: Sequence[str]) -> None:
    """Say which splits an Examples artifact has and that its records are tf.Examples."""
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
