"""A batch of prompts on a GPU, here on a processor: the texts of the signature `generate`, in groups."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from preprocessing.base.errors import InputError
from serving import model as serving_model
from serving.grouped_texts import GroupedTexts, grouped_texts
from serving.model import LanguageModel, load_model, texts_at_once
from tests.serving.small_model import BYTES
from trainer.export_layout import METADATA_FILE

# unequal lengths, one empty, one longer than the context
PROMPTS = ["", "The bridge over the river " * 4, *("Rain " * (n % 3) + str(n) for n in range(16))]


@pytest.fixture(scope="module")
def on_gpu(saved_model: Path) -> LanguageModel:
    """The export as it is loaded where there is a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving_model, "ready_gpu", lambda: True)
        return load_model(saved_model, "bytes")


@pytest.fixture(scope="module")
def grouped(on_gpu: LanguageModel) -> GroupedTexts:
    """What writes its batches, eight texts at a time."""
    assert isinstance(on_gpu._grouped, GroupedTexts)
    on_gpu._grouped.writer.rows = 8
    return on_gpu._grouped


@pytest.mark.usefixtures("grouped")
@pytest.mark.filterwarnings("ignore:prompt 1 has")
@pytest.mark.parametrize(
    "settings",
    [
        {"top_p": 0.9, "repetition_penalty": 1.2, "stop": ["e", "\n"]},
        pytest.param({"temperature": 0.0}, marks=pytest.mark.long),
        pytest.param({"temperature": 0.7, "top_k": 7}, marks=pytest.mark.long),
    ],
)
def test_texts_in_groups_are_those_of_the_signature(
    model: LanguageModel, on_gpu: LanguageModel, settings: dict[str, Any]
) -> None:
    settings = {"max_new_tokens": 20, "seed": 3, **settings}
    texts = model.generate(PROMPTS, **settings)
    assert on_gpu.generate(PROMPTS, **settings) == texts
    assert len({completion.text for completion in texts}) > len(PROMPTS) // 2


def test_a_text_that_is_cut_at_what_stands_for_no_utf8_has_stopped_in_groups_too(
    model: LanguageModel, on_gpu: LanguageModel
) -> None:
    texts = model.generate(PROMPTS, max_new_tokens=20, seed=3, stop=["\ufffd"])
    assert on_gpu.generate(PROMPTS, max_new_tokens=20, seed=3, stop=["\ufffd"]) == texts
    assert "stop" in {completion.finish_reason for completion in texts}


def test_what_is_like_in_shape_is_compiled_once(
    on_gpu: LanguageModel, grouped: GroupedTexts
) -> None:
    def compiled() -> list[int]:
        programs = (grouped.writer.programs.start, grouped.writer.programs.stretch)
        return [program.experimental_get_tracing_count() for program in programs]

    on_gpu.generate(["a" * (n % 5) for n in range(30)], max_new_tokens=20, top_p=0.9)
    before = compiled()
    longer = ["b" * (n % 12) for n in range(16)]
    on_gpu.generate(longer, max_new_tokens=20, top_p=0.7, temperature=0.5, seed=1, stop=["x"])
    assert compiled() == before


def test_a_batch_of_samples_goes_in_groups_and_all_else_to_the_signature() -> None:
    calls = []

    def write(way: str, **given: Any) -> dict[str, list[Any]]:
        calls.append((way, len(given["prompts"])))
        return {"completions": [], "tokens": [], "finished": []}

    class RecordingGroups(GroupedTexts):
        def __init__(self) -> None:
            pass

        def __call__(self, **given: Any) -> dict[str, list[Any]]:  # type: ignore[override]
            return write("in groups", **given)

    class Recorder(LanguageModel):
        def _call(self, name: str, **given: Any) -> dict[str, Any]:
            return write(name, **given)

    model = Recorder({}, 64, None, RecordingGroups())
    model.generate(["x"] * 40, max_new_tokens=2)
    model.generate(["x"] * 15, max_new_tokens=2)
    model.generate(["x"] * 20, max_new_tokens=2, beams=2)
    assert calls == [("in groups", 40), ("generate", 15), ("generate", 16), ("generate", 4)]


def test_without_a_gpu_an_export_has_its_signatures_alone(model: LanguageModel) -> None:
    assert model._grouped is None


def test_groups_read_the_variables_of_the_signatures(
    on_gpu: LanguageModel, grouped: GroupedTexts
) -> None:
    signature: Any = on_gpu._signatures["generate"]
    handles = {id(tensor) for tensor in signature.captured_inputs}
    variables = grouped.writer.programs.model.by_name.values()
    assert {id(variable.handle) for variable in variables} <= handles


@pytest.mark.parametrize("vocabulary", ["gpt2", "absent"])
def test_without_its_vocabulary_an_export_has_its_signatures_alone(
    saved_model: Path, on_gpu: LanguageModel, vocabulary: str
) -> None:
    assert grouped_texts(saved_model, on_gpu._owner, BYTES.digest, vocabulary) is None


def test_variables_of_another_shape_than_the_metadata_says_are_refused(
    saved_model: Path, on_gpu: LanguageModel, tmp_path: Path
) -> None:
    path = tmp_path / METADATA_FILE
    path.parent.mkdir()
    (tmp_path / "saved_model.pb").touch()
    shutil.copy(saved_model / METADATA_FILE, path)
    metadata = json.loads(path.read_text())
    metadata["config"]["layers"] = 2
    path.write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="its variables are not of the shape in its metadata"):
        grouped_texts(tmp_path, on_gpu._owner, BYTES.digest, "bytes")


def test_more_texts_are_asked_for_at_once_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert texts_at_once() == 8
    monkeypatch.setattr(serving_model, "ready_gpu", lambda: True)
    assert texts_at_once() == 64
