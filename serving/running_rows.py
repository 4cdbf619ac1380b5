"""The texts that a model is writing side by side: rows that join, take a step and leave.

A row has the tokens that `LanguageModel.generate` gives for the same prompt, settings and stream, whatever is beside
it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from serving.generation_settings import checked_settings, utf8_strings
from serving.model import LanguageModel

if TYPE_CHECKING:
    import tensorflow as tf

# As `trainer.few_rows.MOST_ROWS`, which cannot be read without TensorFlow; a test holds them equal.
MOST_ROWS = 8


@dataclass(frozen=True)
class Sampling:
    """How texts are sampled; values as `LanguageModel.generate` takes them."""

    max_new_tokens: int
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()

    def settings(self) -> dict[str, np.int32 | np.float32]:
        """As the signature `start` takes them. Raises InputError naming all that are out of their ranges."""
        values = asdict(self)
        return checked_settings(values, values.pop("seed"), values.pop("stop"))


class Row(NamedTuple):
    """How far a text is: its bytes, whether it goes on, and whether its end or a stop string was met."""

    text: bytes
    running: bool
    finished: bool


class RunningRows:
    """At most MOST_ROWS rows of a model, in the order in which they joined. For one thread."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._state: dict[str, tf.Tensor] | None = None

    def start(self, prompts: Sequence[str], streams: Sequence[int], sampling: Sampling) -> None:
        """Have a row join for each prompt, with its first token.

        streams: row i uses the random stream (seed, streams[i]).
        Raises InputError where a value of `sampling` is out of its range, and TensorFlow's errors; the
        other rows are then as they were.
        """
        import tensorflow as tf

        seeds = np.array([[sampling.seed, stream] for stream in streams], np.int64)
        strings = {"prompts": utf8_strings(prompts), "stop": utf8_strings(sampling.stop)}
        given = {**strings, "seeds": seeds, **sampling.settings()}
        tensors = {name: tf.constant(value) for name, value in given.items()}
        started = self._model.signature("start")(**tensors)
        if self._state is not None:
            others = {f"other_{name}": tensor for name, tensor in started.items()}
            started = self._model.signature("join")(**self._state, **others)
        self._state = started

    def step(self) -> None:
        """Write one more token of each row that goes on."""
        assert self._state is not None
        # the memory of a state that was stepped is that of the next one: nobody may hold it
        state, self._state = self._state, None
        self._state = self._model.signature("step")(**state)

    def keep(self, rows: Sequence[int]) -> None:
        """Let go of all rows but these, given by number in ascending order."""
        import tensorflow as tf

        if not rows:
            self._state = None
        elif self._state is not None and len(rows) < len(self._state["written"]):
            numbers = tf.constant(rows, tf.int32)
            self._state = self._model.signature("keep")(rows=numbers, **self._state)

    def read(self) -> list[Row]:
        """How far each row is."""
        if self._state is None:
            return []
        names = ("texts", "finished", "written", "limits")
        texts, finished, written, limits = (self._state[name].numpy() for name in names)
        running = ~finished & (written < limits)
        return [Row(*row) for row in zip(texts, running.tolist(), finished.tolist(), strict=True)]
