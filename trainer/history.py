"""What happened in a training, as a JSON document."""

import json
import math
from dataclasses import asdict, dataclass, field

from trainer.options import TrainingOptions

HISTORY_FILE, TRAINING_PAGE = "history.json", "training.html"

Entry = dict[str, float]


@dataclass
class History:
    """What happened in a training so far, as `history.json` and every checkpoint hold it.

    device, precision: where and in which precision was computed.
    frozen: the groups of weights that were left as they are, in words.
    parameters: number of trained weights.
    total_steps: the steps that the training is meant to have; step: those that it has had.
    seconds: time spent training, a resumed training's earlier parts included.
    part_seconds: where the time went, see `trainer.part_times`; of a training that was cut off and resumed, what was
        before the checkpoint from which it went on as well.
    rows: that the steps have read, of `epoch_rows` in an epoch. tokens: in them, padding left out; loss_tokens: of
        these, those that count in the loss.
    joules: energy that the counters of energy_of took meanwhile; None where a part of it was not measured.
    energy_of: what was measured, in words (see `trainer.energy`).
    skipped_steps: steps without an update, because float16 overflowed; skipped_in_a_row: the last of
        them without another in between.
    stopped_early: the validation loss had stopped falling, so the training ended at `step`.
    best_step: the step of the lowest validation loss.
    steps: {"step", "loss", "learning_rate", "gradient_norm", "tokens_per_s"} at every logged step.
        The loss (nats a token) is the mean of the steps since the entry before, skipped ones left
        out; the norm (before clipping; left out where it is not known) is of that step; tokens are
        those that are no padding.
    validation: {"step", "loss"}, the mean over every counted token of the validation rows.
    window: the losses of the steps since the last entry of `steps`.
    """

    device: str = ""
    precision: str = ""
    frozen: list[str] = field(default_factory=list)
    parameters: int = 0
    total_steps: int = 0
    step: int = 0
    seconds: float = 0.0
    part_seconds: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    epoch_rows: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    joules: float | None = None
    energy_of: list[str] = field(default_factory=list)
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    stopped_early: bool = False
    best_step: int | None = None
    steps: list[Entry] = field(default_factory=list)
    validation: list[Entry] = field(default_factory=list)
    window: list[float] = field(default_factory=list)

    def to_json(self) -> str:
        """The history as a JSON document."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, document: str | bytes) -> "History":
        """The history of a document of `to_json`; ValueError where it is none."""
        try:
            return cls(**json.loads(document))
        except TypeError as error:
            raise ValueError(f"no training history: {error}") from error

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self.stopped_early or self.step >= self.total_steps

    def add_step(self, loss: float, skipped: bool) -> None:
        """A step was made."""
        self.step += 1
        if skipped:
            self.skipped_steps += 1
            self.skipped_in_a_row += 1
        else:
            self.skipped_in_a_row = 0
            self.window.append(loss)

    def add_rows(self, rows: int, tokens: int, loss_tokens: int) -> None:
        """So many rows were read, with so many tokens."""
        self.rows += rows
        self.tokens += tokens
        self.loss_tokens += loss_tokens

    def begin_energy(self, measures: list[str]) -> None:
        """Energy is measured of these from now on; what was measured otherwise before is not known."""
        if self.step == 0:
            self.joules = 0.0
        elif self.energy_of != measures:
            self.joules = None
        self.energy_of = measures

    def add_energy(self, joules: float | None) -> None:
        """So much was taken, None where that was not measured."""
        self.joules = None if self.joules is None or joules is None else self.joules + joules

    def log(self, learning_rate: float, gradient_norm: float, tokens_per_s: float) -> Entry | None:
        """Close the window with an entry; None where every step of it was skipped."""
        if not self.window:
            return None
        entry: Entry = {
            "step": self.step,
            "loss": math.fsum(self.window) / len(self.window),
            "learning_rate": learning_rate,
            "tokens_per_s": tokens_per_s,
        }
        if math.isfinite(gradient_norm):
            entry["gradient_norm"] = gradient_norm
        self.steps.append(entry)
        self.window = []
        return entry

    def add_validation(self, loss: float, patience: int) -> bool:
        """Note a validation loss and whether to stop early; returns whether it is the lowest so far.

        patience: validations without a lower loss after which the training stops; 0 never stops it.
        """
        is_best = all(loss < entry["loss"] for entry in self.validation)
        self.validation.append({"step": self.step, "loss": loss})
        best = self.step if is_best or self.best_step is None else self.best_step
        since_best = sum(entry["step"] > best for entry in self.validation)
        self.best_step, self.stopped_early = best, 0 < patience <= since_best
        return is_best


def frozen_groups(options: TrainingOptions) -> list[str]:
    """The groups of weights that the options leave as they are, in words.

    >>> frozen_groups(TrainingOptions(freeze_embeddings=True, freeze_blocks=2))
    ['embeddings', 'blocks 0 to 1']
    >>> frozen_groups(TrainingOptions(lora_rank=8))
    ['everything but updates of rank 8 (LoRA)']
    """
    if options.lora_rank:
        return [f"everything but updates of rank {options.lora_rank} (LoRA)"]
    groups = ["embeddings"] if options.freeze_embeddings else []
    if options.freeze_blocks:
        groups.append(f"blocks 0 to {options.freeze_blocks - 1}")
    return groups
