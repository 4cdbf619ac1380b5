"""The sections `evaluation` and `validation` of `pipeline.yaml` (no TensorFlow here)."""

from dataclasses import asdict, dataclass, field
from typing import Literal

from preprocessing.base.ranges import Confidence, Count, NotNegative

Metric = Literal[
    "perplexity", "rouge1", "rouge2", "rougeL", "rougeLsum", "exact_match", "f1", "non_empty"
]
Words = Literal["latin", "unicode"]
# The environment variables that name paths of the machine: the file in which the launcher gives Attest the lineage of
# its inputs, the folder that Pusher pushes to, and that of the scores that Evaluator keeps.
LINEAGE_VARIABLE = "GPT2_TFX_LINEAGE"
SERVING_VARIABLE = "GPT2_TFX_SERVING"
SCORES_VARIABLE = "GPT2_TFX_SCORES"

LOWER_IS_BETTER = frozenset({"perplexity", "word_perplexity", "bits_per_byte"})


@dataclass(frozen=True)
class Threshold:
    """The bounds that a metric must keep for a blessing.

    min, max: the bound; null does not bound it.
    of: what must keep it: the `value`, or the whole 95 % `interval` of it.
    """

    min: float | None = None
    max: float | None = None
    of: Literal["value", "interval"] = "value"


@dataclass(frozen=True)
class NotWorseOptions:
    """By how much a score may be worse than the champion's, for each that is compared; null does not compare it.

    perplexity: how much, as a fraction of the champion's.
    rouge1, rouge2, rougeL, rougeLsum: how much, of an F measure between 0 and 1.
    exact_match, f1: how much, of a score between 0 and 1.
    non_empty: how much, of the share of texts that are not empty.
    confidence: how sure it must be that the difference is no larger: the one-sided bound of the paired bootstrap.
    """

    perplexity: NotNegative | None = 0.02
    rouge1: NotNegative | None = None
    rouge2: NotNegative | None = None
    rougeL: NotNegative | None = None  # noqa: N815 - the metric's name
    rougeLsum: NotNegative | None = None  # noqa: N815
    exact_match: NotNegative | None = None
    f1: NotNegative | None = None
    non_empty: NotNegative | None = None
    confidence: Confidence = 0.95

    @property
    def margins(self) -> dict[str, float]:
        """Metric -> margin, of those that are compared."""
        return {
            name: margin
            for name, margin in asdict(self).items()
            if name != "confidence" and margin is not None
        }

    @property
    def compares_text(self) -> bool:
        """Whether a score of generated text is compared."""
        return any(name != "perplexity" for name in self.margins)


@dataclass(frozen=True)
class EvaluationOptions:
    """What is scored, and what a blessing asks for beside a finite loss and text that is not empty.

    split: the held-out split whose scores are reported.
    gate_split: the split whose scores decide: what was chosen by its score on a split has too good a score there. null
        is validation, or, where a corpus has none, the one that is reported.
    max_records: the first records of a split (in order of id) that text is generated for; null is all.
    max_rows: the first rows of tokens of a split that the perplexity is over; null is all.
    thresholds: bounds by metric, such as `{rougeL: {min: 0.2}, perplexity: {max: 30, of: interval}}`.
    not_worse: the comparison with the champion, the model that is served; null blesses by thresholds alone.
    words: which words ROUGE counts: `latin`, letters from a to z and digits, as rouge-score and the Perl script do, or
        `unicode`, those of any script.
    batch: how many texts the model is given at once, which are kept together: a kill loses no more. On a processor no
        text depends on it; on a GPU numbers may round otherwise beside other rows. null is 8, and 64 on a GPU.
    workers: how many processes write texts, by Apache Beam, each with the model in its memory; 1 is the node's own.
        `beam.args` that name a runner say where else. No text depends on it.
    zero_shot: whether the base model's own summaries, which `TL;DR:` asks it for, are scored beside those of the model
        (`model.base`, task cnn_dailymail): a generation more.
    on_incomparable: whether a champion that cannot be compared, since it is gone or reads other rows, stops a model.
    """

    split: Literal["validation", "test"] = "test"
    gate_split: Literal["validation", "test"] | None = None
    max_records: Count | None = 32
    max_rows: Count | None = None
    thresholds: dict[Metric, Threshold] = field(default_factory=dict)
    not_worse: NotWorseOptions | None = NotWorseOptions()
    words: Words = "latin"
    batch: Count | None = None
    workers: Count = 1
    zero_shot: bool = False
    on_incomparable: Literal["bless", "refuse"] = "refuse"

    @property
    def decides_by_text(self) -> bool:
        """Whether a score of generated text decides."""
        by_threshold = any(name != "perplexity" for name in self.thresholds)
        return by_threshold or (self.not_worse is not None and self.not_worse.compares_text)


@dataclass(frozen=True)
class ValidationOptions:
    """What the corpus is checked against before anything is trained.

    schema: path of a TensorFlow Metadata schema (text proto) in place of the task's own.
    """

    schema: str | None = None
