"""The sections `evaluation` and `validation` of `pipeline.yaml` (no TensorFlow here)."""

from dataclasses import dataclass, field
from typing import Literal

from preprocessing.base.ranges import Count, NotNegative

Metric = Literal[
    "perplexity", "rouge1", "rouge2", "rougeL", "rougeLsum", "exact_match", "f1", "non_empty"
]
# The environment variables that name paths of the machine: the file in which the launcher gives Attest the lineage of
# its inputs, the folder that Pusher pushes to, and that of the scores that Evaluator keeps.
LINEAGE_VARIABLE = "GPT2_TFX_LINEAGE"
SERVING_VARIABLE = "GPT2_TFX_SERVING"
SCORES_VARIABLE = "GPT2_TFX_SCORES"

LOWER_IS_BETTER = frozenset({"perplexity"})


@dataclass(frozen=True)
class Threshold:
    """The bounds that a metric must keep for a blessing.

    min, max: the bound; null does not bound it.
    """

    min: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class ChampionOptions:
    """How a candidate is compared with the champion.

    metric: the metric compared.
    tolerance: how much worse, as a fraction of the champion's value, the candidate may be.
    """

    metric: Metric = "perplexity"
    tolerance: NotNegative = 0.0


@dataclass(frozen=True)
class EvaluationOptions:
    """What is scored, and what a blessing asks for beside a finite loss and text that is not empty.

    split: the held-out split.
    max_records: the first records of the split (in order of id) that text is generated for; null is all.
    thresholds: bounds by metric, such as `{rougeL: {min: 0.2}, perplexity: {max: 30}}`.
    champion: the comparison with the champion, the model that is served; null blesses by thresholds alone.
    """

    split: Literal["validation", "test"] = "test"
    max_records: Count | None = 32
    thresholds: dict[Metric, Threshold] = field(default_factory=dict)
    champion: ChampionOptions | None = ChampionOptions()


@dataclass(frozen=True)
class ValidationOptions:
    """What the corpus is checked against before anything is trained.

    schema: path of a TensorFlow Metadata schema (text proto) in place of the task's own.
    """

    schema: str | None = None
