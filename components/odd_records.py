"""Records whose features are out of the bounds of a schema: which they are, and whether they are too many."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2

from preprocessing.records.examples import decode_example
from preprocessing.records.tfrecords import read_tfrecords

# More than one record, and a larger share of the corpus than this, is no accident.
MOST_ODD = 0.1

_NAMED = 3


@dataclass
class OddRecords:
    """The records of a corpus whose values of a feature are out of bounds.

    records: how many the corpus has. count: how many of these are odd. first: id, source and value of the first.
    """

    feature: str
    bounds: str
    records: int = 0
    count: int = 0
    first: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def are_few(self) -> bool:
        """Whether they say nothing against the corpus as a whole."""
        return self.count <= max(1, MOST_ODD * self.records) and self.count < self.records

    def __str__(self) -> str:
        named = ", ".join(f"{record} ({source}): {value}" for record, source, value in self.first)
        more = ", ..." if self.count > len(self.first) else ""
        return (
            f"{self.count} of {self.records} records have a value of {self.feature} that is not {self.bounds}: "
            f"{named}{more}"
        )


def odd_records(examples: Path, feature: schema_pb2.Feature) -> OddRecords | None:
    """The records with values out of the bounds of a feature; None if it has no bounds of whole numbers."""
    if not feature.HasField("int_domain"):
        return None
    domain = feature.int_domain
    least = domain.min if domain.HasField("min") else None
    most = domain.max if domain.HasField("max") else None
    if least is None and most is None:
        return None
    found = OddRecords(feature.name, _bounds(least, most))
    for features in _features(examples):
        found.records += 1
        for value in features.get(feature.name, []):
            if (least is not None and value < least) or (most is not None and value > most):
                found.count += 1
                if len(found.first) < _NAMED:
                    record_id, source = features["id"][0].decode(), features["source"][0].decode()
                    found.first.append((record_id, source, value))
                break
    return found


def _bounds(least: int | None, most: int | None) -> str:
    ends = (("at least", least), ("at most", most))
    return " and ".join(f"{name} {end}" for name, end in ends if end is not None)


def _features(examples: Path) -> Iterator[dict[str, list]]:
    for path in sorted(examples.glob("Split-*/records-*.tfrecord")):
        with path.open("rb") as file:
            yield from map(decode_example, read_tfrecords(file))
