"""Sampling in groups, as on a GPU: draws, the shapes that are compiled, and where texts end.

That the texts are those of a processor `tests/serving/test_grouped_texts.py` holds.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import random_model
from trainer.config import SIZES
from trainer.generation import Request
from trainer.generation.together import STRETCH, GroupWriter, Written, rows_together
from trainer.gpt2 import GPT2Config
from trainer.sampling import ON_GPU, draw_filtered, sample

CONFIG = GPT2Config(vocabulary_size=27, context=1024, width=4, heads=2, layers=1)
END = 26
TOKENS = [*(bytes([97 + number]) for number in range(END)), b""]


@pytest.mark.parametrize("spread", [0.1, 4.0])
@pytest.mark.parametrize(
    ("top_k", "top_p"), [(0, 0.9), (0, 0.3), (5, 0.9), (40, 1.0), (0, 1.0), (1, 0.5)]
)
def test_rows_that_are_drawn_together_are_those_drawn_alone(
    spread: float, top_k: int, top_p: float
) -> None:
    # in half precision many logits are equal
    logits = tf.cast(tf.random.stateless_normal([6, 301], [1, 2], stddev=spread), tf.bfloat16)
    logits, uniform = tf.cast(logits, tf.float32), tf.random.stateless_uniform([6], [3, 4])
    temperatures, shares = tf.fill([6], 0.8), tf.fill([6], top_p)
    counts = tf.fill([6], top_k) if top_k else None
    drawn = draw_filtered(logits, uniform, temperatures, counts, shares, ON_GPU)
    expected = sample(logits, uniform, 0.8, top_k, top_p)
    assert drawn.numpy().tolist() == expected.numpy().tolist()


class SpellingPrograms:
    """Programs that write the same text in every row, and know the shapes that they were given."""

    def __init__(self, text: bytes) -> None:
        ids = [TOKENS.index(bytes([letter])) for letter in text.rstrip(b".")]
        self.ids = ids + [END] * text.endswith(b".")
        self.shapes: list[tuple[int, ...]] = []

    def start(self, settings: Any, uniform: Any, ids: np.ndarray, *given: Any) -> Any:
        self.shapes.append(ids.shape)
        self.rows = len(ids)
        return SimpleNamespace(token=tf.fill([self.rows], self.ids[0]))

    def stretch(self, settings: Any, uniform: Any, state: Any, slot: tf.Tensor) -> Any:
        done = int(slot) - self.shapes[-1][1] + 1
        ids = (self.ids + [0] * STRETCH)[done : done + STRETCH]
        return tf.constant([ids] * self.rows), state


def written(text: bytes, prompts: list[list[int]], request: Request) -> tuple[list[Written], Any]:
    """What is written where the model would write `text`, in which a full stop is the end; the programs."""
    writer = GroupWriter(random_model(CONFIG, seed=1), TOKENS, END)
    writer.programs = programs = SpellingPrograms(text)  # type: ignore[assignment]
    seeds = np.zeros([len(prompts), 2], np.int64)
    return writer.write(prompts, seeds, request), programs


def test_prompts_of_every_length_have_few_shapes() -> None:
    prompts = [[1] * length for length in range(1, 1000)]
    found, programs = written(b".", prompts, Request(48))
    assert set(programs.shapes) == {(64, width) for width in (64, 128, 256, 512, 976)}
    assert found == [Written(finished=True)] * len(prompts)


@pytest.mark.parametrize(("count", "rows"), [(1, 16), (16, 16), (17, 32), (64, 64), (65, 64)])
def test_few_prompts_have_few_rows(count: int, rows: int) -> None:
    found, programs = written(b".", [[1]] * count, Request(48))
    assert programs.shapes == [(rows, 64)] * -(-count // rows)
    assert len(found) == count


@pytest.mark.parametrize(
    ("new", "stop", "text", "finished"),
    [
        (40, (), b"thequickbrownfoxjumpsover", True),
        (40, ("brown", "fox"), b"thequickbrown", True),
        (20, (), b"thequickbrownfoxjump", False),
        (20, ("over",), b"thequickbrownfoxjump", False),  # its stretch goes on to where that stands
        (1, ("t",), b"t", True),
    ],
)
def test_a_text_ends_where_it_is_asked_to(
    new: int, stop: tuple[str, ...], text: bytes, finished: bool
) -> None:
    found, _ = written(b"thequickbrownfoxjumpsover.", [[1, 2], []], Request(new, stop=stop))
    assert [one.text for one in found] == [text] * 2
    assert [one.finished for one in found] == [finished] * 2
    assert b"".join(TOKENS[token] for token in found[0].ids) == text


@pytest.mark.parametrize(
    ("size", "number_bytes", "rows"),
    [("tiny", 4, 64), ("124M", 2, 64), ("124M", 4, 32), ("774M", 2, 16), ("1558M", 2, 8)],
)
def test_a_larger_model_has_fewer_rows_at_once(size: str, number_bytes: int, rows: int) -> None:
    assert rows_together(SIZES[size], number_bytes) == rows
