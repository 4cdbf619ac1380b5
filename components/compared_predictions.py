"""Two evaluations of the same records, paired: the predictions that `evaluate` and the Evaluator write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.metrics.paired import Difference, paired_differences
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json

PREDICTIONS = "predictions.jsonl"
# (record, turn) -> (references, metric -> score).
Scored = Mapping[tuple[str, int], tuple[tuple[str, ...], Mapping[str, float]]]


@dataclass(frozen=True)
class Comparison:
    """metrics: name -> (mean of the first, mean of the second, difference). alone: targets that one of them lacks."""

    metrics: Mapping[str, tuple[float, float, Difference]]
    records: int
    alone: tuple[int, int]


def read_predictions(path: Path) -> Scored:
    """The scores of a file of predictions. Raises InputError for one that cannot be read, or has none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}.") from error
    found: dict[tuple[str, int], tuple[tuple[str, ...], Mapping[str, float]]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
            scores = {name: float(value) for name, value in row["scores"].items()}
            key = (str(row["record"]), int(row["turn"]))
            references = tuple(row["references"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}:{number}: not a prediction as `evaluate --predictions` writes it ({error!r})."
            ) from error
        if key in found:
            raise InputError(f"{path}:{number}: record {key[0]}, turn {key[1]} is there twice.")
        found[key] = references, scores
    if not found:
        raise InputError(
            f"{path}: it has no prediction. Of the task `text` nothing is generated, and a perplexity alone cannot be "
            "compared record by record."
        )
    return found


def compare(first: Scored, second: Scored, seed: int) -> Comparison:
    """Pair two evaluations by record and turn. Raises InputError where they have nothing in common."""
    keys = [key for key in first if key in second]
    if not keys:
        raise InputError(
            "the two evaluations have no record in common: they are of other splits or corpora."
        )
    other = [key for key in keys if first[key][0] != second[key][0]]
    if other:
        record, turn = other[0]
        raise InputError(
            f"record {record}, turn {turn} has other references in the two evaluations ({len(other)} such): they are "
            "of other versions of the corpus."
        )
    names = [name for name in first[keys[0]][1] if name in second[keys[0]][1]]
    ours, theirs = _matrix(first, keys, names), _matrix(second, keys, names)
    differences = paired_differences(ours, theirs, [record for record, _ in keys], seed)
    return Comparison(
        {
            name: (float(ours[:, place].mean()), float(theirs[:, place].mean()), differences[place])
            for place, name in enumerate(names)
        },
        len(keys),
        (len(first) - len(keys), len(second) - len(keys)),
    )


def _matrix(
    scored: Scored, keys: Sequence[tuple[str, int]], names: Sequence[str]
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return np.array([[scored[key][1][name] for name in names] for key in keys])
