"""What is generated and scored here is what transformers generates and scores."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.conversion import convert
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import LanguageModel, load_model
from tests.peers.conftest import RunPeer
from tests.trainer.random_models import random_model
from tests.trainer.weights.keras_files import layers_of, write_keras_file
from trainer.config import GPT2Config
from trainer.generation import Generated, Request, generate
from trainer.options import GenerationOptions
from trainer.sampling import sample
from trainer.weights.openai import write_openai

pytestmark = pytest.mark.long

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(BYTES.size, context=64, width=48, heads=3, layers=2)
MODEL = random_model(CONFIG, seed=4)
NEW = 16
PROMPTS = [
    "a",
    "The bridge over the river",
    " café, 東京 🙂",
    "x" * (CONFIG.context - NEW),
    "the the the",
]
PENALTIES = (1.0, 1.3, 0.7)
SEARCHES = [*product((2, 3, 6), (0.0, 0.5, 1.0, 2.0))]
FILTERS = {
    f"{t}, {k}, {p}": {"temperature": t, "top_k": k, "top_p": p}
    for t, k, p in product((0.3, 1.7), (0, 7, 400), (0.05, 0.9, 1.0))
}
ROWS = 4


def ids_of(text: str) -> list[int]:
    return [int(number) for number in BYTES.encode(text)]


@tf.function(
    input_signature=[
        tf.RaggedTensorSpec([None, None], tf.int32),
        *(tf.TensorSpec([], dtype) for dtype in (tf.float32, tf.int32, tf.float32, tf.int32)),
    ],
    autograph=False,
)
def write(
    ids: tf.RaggedTensor,
    penalty: tf.Tensor,
    beams: tf.Tensor,
    length_penalty: tf.Tensor,
    end_of_text: tf.Tensor,
) -> Generated:
    return generate(
        MODEL,
        ids,
        Request(
            NEW,
            temperature=0.0,
            repetition_penalty=penalty,
            beams=beams,
            length_penalty=length_penalty,
            stop=tf.constant([], tf.string),
        ),
        seeds=tf.zeros([ids.nrows(), 2], tf.int64),
        token_bytes=tf.fill([CONFIG.vocabulary_size], "a"),
        end_of_text=end_of_text,
    )


def written(
    prompts: list[list[int]],
    penalty: float = 1.0,
    beams: int = 1,
    length_penalty: float = 1.0,
    end_of_text: int = -1,
) -> list[list[int]]:
    """What is written after each of prompts of one call, without randomness; with the end of text, where it came."""
    ids = tf.ragged.constant(prompts, tf.int32)
    settings = (penalty, beams, length_penalty, end_of_text)
    found, counts, finished = write(ids, *map(tf.constant, settings))
    return [
        row[:count].tolist() + [end_of_text] * int(ended)
        for row, count, ended in zip(found.numpy(), counts.numpy(), finished.numpy(), strict=True)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    variables = {name: value.numpy() for name, value in MODEL.by_name.items()}
    write_openai(folder / "openai", CONFIG, variables)
    for to in ("huggingface", "savedmodel"):
        convert(folder / "openai", folder / to, to, BYTES, GenerationOptions(), "float32")
    write_keras_file(folder / "model.h5", layers_of(CONFIG, variables), CONFIG.heads)
    return folder


@pytest.fixture(scope="module")
def ends() -> list[int]:
    """For each prompt an id that a search meets soon: what greedy text has in its middle."""
    return [ids[NEW // 2] for ids in written([ids_of(prompt) for prompt in PROMPTS])]


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    random = np.random.default_rng(8)
    return random.normal(0, 2.5, (ROWS, CONFIG.vocabulary_size)).astype(np.float32)


@pytest.fixture(scope="module")
def theirs(
    folder: Path, ends: list[int], logits: np.ndarray, run_peer: RunPeer
) -> dict[str, np.ndarray]:
    asked = {}
    for number, (prompt, end) in enumerate(zip(PROMPTS, ends, strict=True)):
        ids = ids_of(prompt)
        for penalty in PENALTIES:
            arguments = {"max_new_tokens": NEW, "repetition_penalty": penalty, "eos_token_id": None}
            asked[f"greedy/{penalty}/{number}"] = ids, arguments
        for beams, length_penalty in SEARCHES:
            arguments = {
                "max_new_tokens": NEW,
                "num_beams": beams,
                "length_penalty": length_penalty,
                "eos_token_id": end,
                "early_stopping": "never",
            }
            asked[f"search/{beams}/{length_penalty}/{number}"] = ids, arguments
    request = {"generate": asked, "score": [ids_of(p) for p in PROMPTS], "filters": FILTERS}
    (folder / "request.json").write_text(json.dumps(request))
    np.save(folder / "logits.npy", logits)
    files = ("huggingface", "request.json", "logits.npy", "results.npz")
    run_peer("generate.py", *(folder / name for name in files))
    with np.load(folder / "results.npz") as found:
        return dict(found)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_greedy_text_is_theirs_alone_and_in_a_batch(
    penalty: float, theirs: dict[str, np.ndarray]
) -> None:
    prompts = [ids_of(prompt) for prompt in PROMPTS]
    together = written(prompts, penalty)
    for number, prompt in enumerate(prompts):
        expected = theirs[f"generate/greedy/{penalty}/{number}"].tolist()
        assert together[number] == expected
        assert written([prompt], penalty)[0] == expected


def score_of(prompt: list[int], text: list[int], length_penalty: float) -> float:
    """The normalised log-probability of a text after a prompt."""
    likely = tf.nn.log_softmax(MODEL(tf.constant([[*prompt, *text]]))[0]).numpy()
    places = range(len(prompt) - 1, len(prompt) + len(text) - 1)
    total = sum(likely[place, token] for place, token in zip(places, text, strict=True))
    return float(total) / len(text) ** length_penalty


@pytest.mark.parametrize(("beams", "length_penalty"), SEARCHES)
def test_a_search_finds_what_theirs_finds_or_better(
    beams: int, length_penalty: float, ends: list[int], theirs: dict[str, np.ndarray]
) -> None:
    for number, (prompt, end) in enumerate(zip(map(ids_of, PROMPTS), ends, strict=True)):
        ours = written([prompt], 1.0, beams, length_penalty, end)[0]
        expected = theirs[f"generate/search/{beams}/{length_penalty}/{number}"].tolist()
        # what ends counts here among all continuations that are looked at, there among the best half of them
        better = score_of(prompt, ours, length_penalty) > 1e-3 + score_of(
            prompt, expected, length_penalty
        )
        assert ours == expected or better


@pytest.mark.parametrize("name", FILTERS)
def test_a_draw_falls_where_their_probabilities_lay_it(
    name: str, logits: np.ndarray, theirs: dict[str, np.ndarray]
) -> None:
    uniform = np.tile((np.arange(60) + 0.37) / 60, ROWS)
    rows = np.repeat(np.arange(ROWS), 60)
    drawn = sample(
        tf.constant(logits[rows]), tf.constant(uniform, tf.float32), **FILTERS[name]
    ).numpy()
    reached = np.cumsum(theirs[f"filters/{name}"].astype(np.float64), axis=1)[rows]
    # where a number falls on an edge, rounding decides
    clear = np.abs(reached - uniform[:, np.newaxis]).min(axis=1) > 1e-5
    assert clear.mean() > 0.9
    wanted = np.count_nonzero(reached <= uniform[:, np.newaxis], axis=1)
    np.testing.assert_array_equal(drawn[clear], wanted[clear])


@pytest.mark.parametrize("name", ["openai", "huggingface", "savedmodel", "model.h5"])
def test_every_format_is_served_with_their_texts_and_scores(
    name: str, folder: Path, theirs: dict[str, np.ndarray]
) -> None:
    served: LanguageModel = load_model(folder / name, "bytes", "float32")
    made = served.generate(PROMPTS, max_new_tokens=NEW, temperature=0.0)
    for number, (prompt, completion) in enumerate(zip(PROMPTS, made, strict=True)):
        ids = theirs[f"generate/greedy/1.0/{number}"].tolist()
        if BYTES.end_of_text in ids:
            ids = ids[: ids.index(BYTES.end_of_text)]
        text = b"".join(BYTES.token_bytes[token] for token in ids)
        assert completion.text == text.decode("utf-8", "replace")
        assert served.generate([prompt], max_new_tokens=NEW, temperature=0.0) == [completion]
        total, tokens = served.score([prompt])[0]
        expected = theirs[f"score/{number}"]
        assert tokens == len(expected)
        assert total == pytest.approx(float(expected.sum(dtype=np.float64)), rel=1e-5, abs=1e-4)
