"""TFX executors run by hand: artifacts in folders of a test, and one call for any component."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples

from components.example_formats import mark_examples
from preprocessing.records.record import SPLITS, Record, record_to_example
from preprocessing.records.tfrecords import tfrecords_of

AnyArtifact = TypeVar("AnyArtifact", bound=Artifact)


def artifact(kind: type[AnyArtifact], folder: Path, **properties: str | int) -> AnyArtifact:
    """An artifact whose folder exists, with custom properties."""
    folder.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri = str(folder)
    for name, value in properties.items():
        if isinstance(value, int):
            made.set_int_custom_property(name, value)
        else:
            made.set_string_custom_property(name, value)
    return made


def execute(
    component: Any,
    inputs: Mapping[str, Artifact],
    outputs: Mapping[str, Artifact],
    properties: Mapping[str, Any],
) -> None:
    """Run a component's executor as the launcher does, with one artifact under each key."""
    component.EXECUTOR_SPEC.executor_class().Do(
        {key: [value] for key, value in inputs.items()},
        {key: [value] for key, value in outputs.items()},
        dict(properties),
    )


def record_examples(folder: Path, records: Iterable[Record]) -> Examples:
    """An Examples artifact of records, as CorpusGen leaves it."""
    examples = artifact(Examples, folder)
    by_split: dict[str, list[Record]] = {split: [] for split in SPLITS}
    for record in records:
        # A record with an unknown split lies in the folder of `train`, where a defect would leave it.
        by_split[record.split if record.split in SPLITS else "train"].append(record)
    for split, members in by_split.items():
        path = folder / f"Split-{split}" / "records-00000-of-00001.tfrecord"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.write(tfrecords_of(map(record_to_example, members)))
    mark_examples(examples, [split for split in SPLITS if by_split[split]])
    return examples
