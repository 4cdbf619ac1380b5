"""TFX's ExampleValidator as a gate: anomalies in the data stop the run with their text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import executor
from tfx.components.example_validator.component import ExampleValidator as StockExampleValidator
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import artifact_utils, standard_component_specs

from components.declared import Declared
from preprocessing.base.errors import InputError


class GateExecutor(executor.Executor):
    """Validates as the stock executor does, then refuses data with anomalies."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        """Raises InputError naming split, feature and anomaly for each one found, or for a schema that is none."""
        try:
            result = super().Do(input_dict, output_dict, exec_properties)
        except text_format.ParseError as error:
            raise InputError(
                f"validation.schema: not a schema of TensorFlow Metadata in text form: {error}. Mend the file."
            ) from error
        anomalies = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.ANOMALIES_KEY]
        )
        found = list(describe_anomalies(Path(anomalies.uri)))
        if found:
            raise InputError(
                *found,
                "The data does not keep to its schema. Mend the corpus, or name a schema of your own "
                "with validation.schema.",
            )
        return result


def describe_anomalies(folder: Path) -> Iterator[str]:
    """A line for each anomaly in the `Split-*/SchemaDiff.pb` files of an ExampleAnomalies artifact."""
    for path in sorted(folder.glob(f"Split-*/{executor.DEFAULT_FILE_NAME}")):
        split = path.parent.name.removeprefix("Split-")
        anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
        for feature, info in sorted(anomalies.anomaly_info.items()):
            yield f"anomaly in split {split}, feature {feature}: {info.short_description}: {info.description}"
        if anomalies.HasField("dataset_anomaly_info"):
            info = anomalies.dataset_anomaly_info
            yield f"anomaly in split {split}: {info.short_description}: {info.description}"


class ExampleValidator(StockExampleValidator):
    """The stock component with the gate as its executor."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(GateExecutor)


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return ExampleValidator(**declared.inputs)
