"""The sections `evaluation` and `validation` of `pipeline.yaml` (no TensorFlow here)."""

from dataclasses import dataclass, field
from typing import Literal

Metric = Literal[
    "perplexity", "rouge1", "rouge2", "rougeL", "rougeLsum", "exact_match", "f1", "non_empty"
]
# The environment variables that name the file in which the launcher gives Attest the lineage of its inputs, and the
# folder that Pusher pushes to.
LINEAGE_VARIABLE = "GPT2_TFX_LINEAGE"
SERVING_VARIABLE = "GPT2_TFX_SERVING"

LOWER_IS_BETTER = frozenset({"perplexity"})


@dataclass(frozen=True)
class Threshold:
    """The bounds that a metric must keep for a blessing; None does not bound it."""

    min: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class ChampionOptions:
    """How a candidate is compared with the newest other pushed model.

    metric: the metric compared.
    tolerance: how much worse, as a fraction of the champion's value, the candidate may be.
    """

    metric: Metric = "perplexity"
    tolerance: float = 0.0


@dataclass(frozen=True)
class EvaluationOptions:
    """What is scored, and what a blessing asks for.

    split: the held-out split.
    max_records: the first records of the split (in order of id) that text is generated for; None is all.
    thresholds: bounds by metric.
    champion: the comparison with the champion; None blesses by thresholds alone.
    """

    split: Literal["validation", "test"] = "test"
    max_records: int | None = 32
    thresholds: dict[Metric, Threshold] = field(default_factory=dict)
    champion: ChampionOptions | None = ChampionOptions()


@dataclass(frozen=True)
class ValidationOptions:
    """schema: path of a TensorFlow Metadata schema (text proto) in place of the task's own."""

    schema: str | None = None
