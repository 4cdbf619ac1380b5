"""TFX's ExampleValidator as a gate: anomalies in the data stop the run with their text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.example_validator import executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import artifact_utils, standard_component_specs
from tfx.types.component_spec import ChannelParameter
from tfx.types.standard_artifacts import ExampleAnomalies, Examples

from components.declared import Declared
from components.odd_records import odd_records
from preprocessing.base import progress
from preprocessing.base.errors import InputError

_SCHEMA_FILE = "schema.pbtxt"
# What the stock executor says of values out of the bounds of whole numbers.
_OUT_OF_BOUNDS = frozenset(
    {anomalies_pb2.AnomalyInfo.INT_TYPE_SMALL_INT, anomalies_pb2.AnomalyInfo.INT_TYPE_BIG_INT}
)


class GateExecutor(executor.Executor):
    """Validates as the stock executor does, then refuses data with anomalies, but for a few odd records."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        """Raises InputError naming split, feature and anomaly for each one found, or for a schema that is none.

        Values out of bounds are named with their records; a few such records (`OddRecords.are_few`) are reported,
        and are no reason to stop.
        """
        try:
            result = super().Do(input_dict, output_dict, exec_properties)
        except text_format.ParseError as error:
            raise InputError(
                f"validation.schema: not a schema of TensorFlow Metadata in text form: {error}. Mend the file."
            ) from error

        def folder(artifacts: dict[str, list[types.Artifact]], key: str) -> Path:
            return Path(artifact_utils.get_single_instance(artifacts[key]).uri)

        schema_text = folder(input_dict, standard_component_specs.SCHEMA_KEY) / _SCHEMA_FILE
        schema = text_format.Parse(schema_text.read_text(encoding="utf-8"), schema_pb2.Schema())
        examples = folder(input_dict, standard_component_specs.EXAMPLES_KEY)
        found = list(find_anomalies(folder(output_dict, standard_component_specs.ANOMALIES_KEY)))
        out_of_bounds = {anomaly.feature for anomaly in found if anomaly.is_out_of_bounds}
        odd = {
            feature.name: records
            for feature in schema.feature
            if feature.name in out_of_bounds and (records := odd_records(examples, feature))
        }
        refused = []
        for anomaly in found:
            records = odd.get(anomaly.feature or "") if anomaly.is_out_of_bounds else None
            if records is None or not records.are_few:
                refused.append(f"{anomaly}{f'; {records}' if records else ''}")
        for records in odd.values():
            if records.are_few:
                progress.report(message=f"{records}; look at them, the run goes on")
        if refused:
            raise InputError(
                *refused,
                "The data does not keep to its schema. Mend the corpus, or name a schema of your own "
                "with validation.schema.",
            )
        return result


@dataclass(frozen=True)
class Anomaly:
    """What the stock executor has found in a split. feature: None for the split as a whole."""

    split: str
    feature: str | None
    info: anomalies_pb2.AnomalyInfo

    @property
    def is_out_of_bounds(self) -> bool:
        """Whether it is about values out of bounds and nothing else."""
        kinds = {reason.type for reason in self.info.reason}
        return bool(kinds) and kinds <= _OUT_OF_BOUNDS

    def __str__(self) -> str:
        feature = f", feature {self.feature}" if self.feature else ""
        return f"anomaly in split {self.split}{feature}: {self.info.short_description}: {self.info.description}"


def find_anomalies(folder: Path) -> Iterator[Anomaly]:
    """What is in the `Split-*/SchemaDiff.pb` files of an ExampleAnomalies artifact."""
    for path in sorted(folder.glob(f"Split-*/{executor.DEFAULT_FILE_NAME}")):
        split = path.parent.name.removeprefix("Split-")
        anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
        for feature, info in sorted(anomalies.anomaly_info.items()):
            yield Anomaly(split, feature, info)
        if anomalies.HasField("dataset_anomaly_info"):
            yield Anomaly(split, None, anomalies.dataset_anomaly_info)


class _Spec(standard_component_specs.ExampleValidatorSpec):
    """The stock specification, and the records that the statistics are of."""

    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        **standard_component_specs.ExampleValidatorSpec.INPUTS,
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=Examples),
    }


class ExampleValidator(BaseComponent):
    """The stock component with the gate as its executor, which names records."""

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(GateExecutor)

    def __init__(
        self, statistics: types.BaseChannel, schema: types.BaseChannel, examples: types.BaseChannel
    ) -> None:
        super().__init__(
            _Spec(
                statistics=statistics,
                schema=schema,
                examples=examples,
                exclude_splits=json.dumps([]),
                anomalies=types.Channel(type=ExampleAnomalies),
            )
        )


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return ExampleValidator(**declared.inputs)
