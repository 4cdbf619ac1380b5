"""A loaded model: completions, their cuts and streams, scores, and folders that are no model."""

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline.conversion import convert
from preprocessing.base.errors import InputError
from serving import model as serving_model
from serving.model import Completion, LanguageModel, load_model
from tests.serving.small_model import BYTES, CONFIG
from tests.trainer.random_models import random_model
from tests.trainer.weights.keras_files import layers_of, write_keras_file
from trainer.export_layout import METADATA_FILE
from trainer.gpt2 import GPT2, Precision
from trainer.options import GenerationOptions
from trainer.weights.huggingface import write_huggingface
from trainer.weights.openai import write_openai

PROMPTS = ["Hello", "", "A longer prompt", "x"]


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_checkpoint_and_its_export_answer_alike(checkpoint: Path, model: LanguageModel) -> None:
    direct = load_model(checkpoint, "bytes", "float32")
    assert direct.context == model.context == CONFIG.context
    assert direct.generate(PROMPTS, max_new_tokens=8, seed=3, top_p=0.9) == model.generate(
        PROMPTS, max_new_tokens=8, seed=3, top_p=0.9
    )
    for ours, theirs in zip(direct.score(PROMPTS), model.score(PROMPTS), strict=True):
        assert ours == pytest.approx(theirs)


@pytest.fixture(params=[pytest.param("float32", marks=pytest.mark.long), "bfloat16"])
def served_alike(
    request: pytest.FixtureRequest,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[LanguageModel, LanguageModel, Precision]:
    """A checkpoint and its conversion, as they are served where the hardware has this precision."""
    monkeypatch.setattr("trainer.served_model.hardware_precision", lambda: request.param)
    monkeypatch.setattr("pipeline.conversion.hardware_precision", lambda: request.param)
    convert(checkpoint, tmp_path / "saved", "savedmodel", BYTES, GenerationOptions())
    metadata = json.loads((tmp_path / "saved" / "assets.extra" / "gpt2.json").read_text())
    assert metadata["precision"] == request.param
    return load_model(checkpoint, "bytes"), load_model(tmp_path / "saved"), request.param


def test_weights_alone_are_served_in_the_precision_of_the_hardware(
    checkpoint: Path, served_alike: tuple[LanguageModel, LanguageModel, Precision]
) -> None:
    direct, saved, precision = served_alike
    assert direct.score(PROMPTS) == saved.score(PROMPTS)
    other = load_model(checkpoint, "bytes", "float32").score(PROMPTS)
    assert (direct.score(PROMPTS) == other) == (precision == "float32")


# To compile both for writing takes ten seconds more.
@pytest.mark.long
def test_weights_alone_write_in_the_precision_of_the_hardware_what_their_conversion_writes(
    served_alike: tuple[LanguageModel, LanguageModel, Precision],
) -> None:
    direct, saved, _ = served_alike
    assert direct.generate(PROMPTS, max_new_tokens=8, seed=3) == saved.generate(
        PROMPTS, max_new_tokens=8, seed=3
    )


def test_every_format_of_the_weights_answers_alike(
    gpt2: GPT2, checkpoint: Path, tmp_path: Path
) -> None:
    values = {name: v.numpy() for name, v in gpt2.by_name.items()}
    write_huggingface(tmp_path / "hf", CONFIG, values, end_of_text=256)
    write_keras_file(tmp_path / "seed.h5", layers_of(CONFIG, values), CONFIG.heads)
    expected = load_model(checkpoint, vocabulary="bytes").score(["Hello there"])
    for path in (tmp_path / "hf", tmp_path / "seed.h5"):
        assert load_model(path, vocabulary="bytes").score(["Hello there"]) == expected


def test_a_sample_depends_on_its_seed_and_number_alone(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = model.generate(["Hello"] * 5, max_new_tokens=8, seed=3)
    assert together == model.generate(["Hello"] * 5, max_new_tokens=8, seed=3)
    assert len({completion.text for completion in together}) > 1
    assert together != model.generate(["Hello"] * 5, max_new_tokens=8, seed=4)
    alone = model.generate(["Hello"], max_new_tokens=8, seed=3, sample_offset=2)
    assert alone == together[2:3]
    monkeypatch.setattr(serving_model, "GENERATE_ROWS", 2)
    assert together == model.generate(["Hello"] * 5, max_new_tokens=8, seed=3)


def test_without_a_stop_the_reason_is_length(model: LanguageModel) -> None:
    (completion,) = model.generate(["Hello"], max_new_tokens=5, temperature=0)
    assert completion.finish_reason == "length"
    assert completion.tokens == 5


def test_the_end_of_text_is_a_stop(gpt2: GPT2, tmp_path: Path) -> None:
    ending = random_model(CONFIG, seed=1)
    ending.by_name["model/ln_f/g"].assign(tf.zeros([32]))
    ending.by_name["model/ln_f/b"].assign(tf.ones([32]))
    ending.by_name["model/wte"].assign(tf.one_hot([BYTES.end_of_text], 257, axis=0) * tf.ones([32]))
    write_openai(tmp_path, CONFIG, {name: v.numpy() for name, v in ending.by_name.items()})
    model = load_model(tmp_path, vocabulary="bytes")
    assert model.generate(["Hello"], max_new_tokens=5) == [Completion("", 0, "stop")]


def test_the_text_is_cut_before_the_first_stop_string(model: LanguageModel) -> None:
    # ids 33 to 126 are printable characters: draw until a completion has some to stop at
    whole = model.generate(["Hello"] * 30, max_new_tokens=16, seed=1)
    number, text = next(
        (number, completion.text)
        for number, completion in enumerate(whole)
        if sum("!" <= character <= "~" for character in completion.text[1:]) >= 2
    )
    later, *_ = [character for character in text[::-1] if "!" <= character <= "~"]
    earlier, *_ = [character for character in text[1:] if "!" <= character <= "~"]
    cut = min(text.index(earlier), text.index(later))
    (completion,) = model.generate(
        ["Hello"], max_new_tokens=16, seed=1, sample_offset=number, stop=[later, earlier]
    )
    assert completion.text == text[:cut]
    assert completion.finish_reason == "stop"
    assert completion.tokens == len(BYTES.encode(text[:cut]))


def test_a_text_that_is_cut_at_what_stands_for_no_utf8_has_stopped(model: LanguageModel) -> None:
    whole = model.generate(["Hello"] * 9, max_new_tokens=16, seed=1)
    assert any("\ufffd" in completion.text for completion in whole)
    for completion in model.generate(["Hello"] * 9, max_new_tokens=16, seed=1, stop=["\ufffd"]):
        reason = "stop" if completion.text != whole.pop(0).text else "length"
        assert completion.finish_reason == reason


def test_a_stop_string_that_no_text_can_hold_is_refused(model: LanguageModel) -> None:
    """A byte of the command line that is no UTF-8 comes as a surrogate, and would stop at question marks."""
    with pytest.raises(InputError, match=r"^stop is \['\\udcff'\]; it must be strings of Unicode"):
        model.generate(["Hello"], max_new_tokens=1, stop=["\udcff"])


def test_a_prompt_that_does_not_fit_is_cut_with_a_warning(model: LanguageModel) -> None:
    long = "abcdefghij" * 4
    with pytest.warns(UserWarning, match="prompt 1 has 40 tokens and 24 fit"):
        cut = model.generate(["x", long], max_new_tokens=8, temperature=0)
    kept = model.generate(["x", long[-24:]], max_new_tokens=8, temperature=0)
    assert cut == kept


def test_more_new_tokens_than_the_context_are_capped_with_a_warning(model: LanguageModel) -> None:
    with pytest.warns(UserWarning, match="at most 31 are generated"):
        (completion,) = model.generate(["x"], max_new_tokens=100, temperature=0)
    assert completion.tokens <= 31


@pytest.mark.usefixtures("no_warnings")
def test_a_prompt_that_fits_gives_no_warning(model: LanguageModel) -> None:
    assert len(model.generate(["a" * 24], max_new_tokens=8)) == 1


def test_no_prompt_gives_no_completion(model: LanguageModel) -> None:
    assert model.generate([], max_new_tokens=3) == []
    assert model.score([]) == []


def test_every_value_out_of_range_is_named(model: LanguageModel) -> None:
    with pytest.raises(InputError) as caught:
        model.generate(["x"], max_new_tokens=0, temperature=-1, top_k=-1, top_p=0, stop=["\n", ""])
    assert len(caught.value.messages) == 5
    assert "top_p is 0; it must be greater than 0" in str(caught.value)


WHOLE = ("max_new_tokens", "top_k", "beams", "seed")
NUMBERS = ("temperature", "top_p", "repetition_penalty", "length_penalty")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", 2**31),
        ("top_k", 2**31),
        ("beams", 2**31),
        ("seed", 2**63),
        ("top_p", 1e-50),  # 0 in float32
        ("repetition_penalty", 1e-50),
        ("temperature", 1e39),  # infinite in float32
        ("length_penalty", float("nan")),
        ("length_penalty", -1.0),
        *((name, value) for name in WHOLE for value in (float("nan"), float("inf"), 1.5)),
        *((name, value) for name in NUMBERS for value in (float("nan"), float("inf"))),
        pytest.param("temperature", 10**400, id="temperature-beyond float"),
    ],
)
def test_a_value_that_the_model_cannot_compute_with_is_named(
    model: LanguageModel, name: str, value: Any
) -> None:
    with pytest.raises(InputError, match=rf"^{name} is .*; it must be "):
        model.generate(["x"], **{"max_new_tokens": 1, name: value})


def reference_score(gpt2: GPT2, ids: list[int]) -> float:
    logits = gpt2(tf.constant([ids]))[0, :-1]
    return float(tf.reduce_sum(tf.gather(tf.nn.log_softmax(logits), ids[1:], batch_dims=1)))


def test_scores_are_summed_log_probabilities(gpt2: GPT2, model: LanguageModel) -> None:
    scores = model.score(["Hello there", "x", ""])
    assert [tokens for _, tokens in scores] == [10, 0, 0]
    assert scores[0][0] == pytest.approx(reference_score(gpt2, BYTES.encode("Hello there")))
    assert scores[1][0] == scores[2][0] == 0


def test_a_long_text_is_scored_in_windows_that_count_each_token_once(
    gpt2: GPT2, model: LanguageModel
) -> None:
    ids = BYTES.encode("abcdefghij" * 7)
    windows = [ids[0:32], ids[31:63], ids[62:]]
    ((total, tokens),) = model.score(["abcdefghij" * 7])
    assert tokens == 69
    assert total == pytest.approx(sum(reference_score(gpt2, window) for window in windows))


def test_score_rows_does_not_depend_on_how_many_are_scored_at_once(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    rows = {
        "input_ids": random.integers(0, 257, [5, 10]),
        "segment_ids": np.sort(random.integers(1, 3, [5, 10])),
        "positions": np.tile(np.arange(10), [5, 1]),
    }
    whole = model.score_rows(rows)
    assert whole.shape == (5, 9)
    assert whole.dtype == np.float32
    monkeypatch.setattr(serving_model, "SCORE_TOKENS", 20)
    np.testing.assert_allclose(model.score_rows(rows), whole, atol=1e-4)
    none = {name: value[:0] for name, value in rows.items()}
    assert model.score_rows(none).shape == (0, 9)


def test_text_that_is_not_unicode_is_taken(model: LanguageModel) -> None:
    assert len(model.generate(["a\udc80b"], max_new_tokens=2)) == 1


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hparams\.json.*saved_model\.pb.*a folder without them"):
        load_model(tmp_path)
    with pytest.raises(InputError, match="no such folder or file"):
        load_model(tmp_path / "absent")


def test_a_saved_model_of_somebody_else_is_refused(tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(InputError, match=r"gpt2\.json: missing or damaged"):
        load_model(tmp_path)
    (tmp_path / METADATA_FILE).parent.mkdir()
    metadata = {"config": {"context": 8}, "vocabulary_digest": "of another version"}
    (tmp_path / METADATA_FILE).write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="lacks the signatures serving_default, generate, start,"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_a_truncated_saved_model_is_refused(saved_model: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(saved_model, folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged"):
        load_model(folder)


def test_a_vocabulary_of_another_size_than_the_checkpoint_is_refused(checkpoint: Path) -> None:
    with pytest.raises(InputError, match="gpt2 has 50257 ids and the model 257"):
        load_model(checkpoint, vocabulary="gpt2")


@pytest.mark.parametrize("amx", [True, False])
def test_products_have_the_order_that_is_faster_on_the_processor(
    saved_model: Path, monkeypatch: pytest.MonkeyPatch, amx: bool
) -> None:
    monkeypatch.setattr("trainer.few_rows.processor_flags", lambda: {"amx_bf16"} if amx else set())
    exported: Any = load_model(saved_model)._owner
    assert bool(exported.kernel_first) == amx
