"""Texts that are written side by side: the tokens of `generate`, whoever joins and leaves."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.tokens.vocabulary import load_vocabulary
from tests.trainer.random_models import random_model
from trainer.export import export
from trainer.gpt2 import GPT2Config
from trainer.options import GenerationOptions

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(BYTES.size, context=96, width=32, heads=4, layers=2)
PROMPTS = ["A bridge", "", "Rain on the river, and a road that goes on", "ab"]
NEW = 12
Signature = Callable[..., dict[str, tf.Tensor]]
State = dict[str, tf.Tensor]


@pytest.fixture(
    scope="module", params=[pytest.param("float32", marks=pytest.mark.long), "bfloat16"]
)
def signatures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Signature]:
    """The signatures of a loaded export, which live as long as it does: all that a server has."""
    model = random_model(CONFIG, seed=3)
    model.precision = request.param
    folder = tmp_path_factory.mktemp("export")
    export(model, BYTES, GenerationOptions(), folder)
    loaded = tf.saved_model.load(str(folder))
    return {"loaded": loaded, **loaded.signatures}


def settings(row: int) -> dict[str, tf.Tensor]:
    """Those of a row: each its own."""
    return {
        "max_new_tokens": tf.constant([NEW, 5, 9, NEW][row]),
        "temperature": tf.constant([1.0, 1.5, 0.0, 0.8][row]),
        "top_k": tf.constant([0, 40, 0, 0][row]),
        "top_p": tf.constant([1.0, 1.0, 1.0, 0.9][row]),
        "repetition_penalty": tf.constant([1.0, 1.0, 1.2, 1.0][row]),
        "stop": tf.constant([["e"], [], ["qqq", "zz"], []][row], tf.string),
        "seeds": tf.constant([[5, row]], tf.int64),
    }


def generated(signatures: dict[str, Signature], row: int) -> tuple[bytes, bool]:
    found = signatures["generate"](
        prompts=tf.constant([PROMPTS[row]]),
        beams=tf.constant(1),
        length_penalty=tf.constant(1.0),
        **settings(row),
    )
    return found["completions"].numpy()[0], bool(found["finished"][0])


def started(signatures: dict[str, Signature], row: int) -> State:
    return signatures["start"](prompts=tf.constant([PROMPTS[row]]), **settings(row))


def joined(signatures: dict[str, Signature], first: State, second: State) -> State:
    return signatures["join"](**first, **{f"other_{name}": t for name, t in second.items()})


def text(state: State, number: int, row: int) -> tuple[bytes, bool]:
    """The completion of a row of the state, cut before its stop strings, and whether it finished."""
    found = state["texts"].numpy()[number]
    for string in settings(row)["stop"].numpy():
        found = found.partition(string)[0]
    readable = found.decode("utf-8", "replace").encode()
    return readable, bool(state["finished"][number])


def run_out(signatures: dict[str, Signature], state: State) -> State:
    while (~state["finished"] & (state["written"] < state["limits"])).numpy().any():
        state = signatures["step"](**state)
    return state


@pytest.mark.parametrize("row", range(len(PROMPTS)))
def test_a_row_by_itself_writes_what_generate_writes(
    signatures: dict[str, Signature], row: int
) -> None:
    state = run_out(signatures, started(signatures, row))
    assert text(state, 0, row) == generated(signatures, row)


def test_rows_that_join_and_leave_write_what_they_write_alone(
    signatures: dict[str, Signature],
) -> None:
    state = joined(signatures, started(signatures, 0), started(signatures, 1))
    state = signatures["step"](**signatures["step"](**state))
    state = joined(signatures, state, started(signatures, 2))
    state = signatures["step"](**state)
    # the second row leaves, and the others change their places
    second = run_out(signatures, signatures["keep"](rows=tf.constant([1]), **state))
    state = signatures["keep"](rows=tf.constant([2, 0]), **state)
    state = joined(signatures, state, started(signatures, 3))
    state = run_out(signatures, state)
    found = {number: text(state, place, number) for place, number in enumerate((2, 0, 3))}
    found[1] = text(second, 0, 1)
    assert found == {row: generated(signatures, row) for row in range(len(PROMPTS))}


def test_strings_that_stop_no_row_are_forgotten(signatures: dict[str, Signature]) -> None:
    state = joined(signatures, started(signatures, 0), started(signatures, 2))
    assert state["stop"].numpy().tolist() == [b"e", b"qqq", b"zz"]
    assert state["stopped_by"].numpy().tolist() == [[True, False, False], [False, True, True]]
    state = signatures["keep"](rows=tf.constant([1]), **state)
    assert state["stop"].numpy().tolist() == [b"qqq", b"zz"]


def test_a_step_writes_into_the_cache_that_it_was_given(signatures: dict[str, Signature]) -> None:
    state = started(signatures, 0)
    before, slot = state["keys_0"].numpy(), int(state["slots"][0])
    after = signatures["step"](**state)["keys_0"].numpy()
    assert (after != before).any(axis=(0, 1, 3)).nonzero()[0].tolist() == [slot]
    np.testing.assert_array_equal(state["keys_0"].numpy(), after)


def test_more_rows_than_keep_their_bits_do_not_start_or_join(
    signatures: dict[str, Signature],
) -> None:
    state = started(signatures, 1)
    for _ in range(3):
        state = joined(signatures, state, state)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 8 rows"):
        joined(signatures, state, started(signatures, 1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 8 rows"):
        signatures["start"](prompts=tf.constant(["a"] * 9), **settings(1))
