"""`generate --task` and `--chat`: what a model is asked."""

import io
from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from pipeline.commands import generate
from serving.model import Completion, LanguageModel
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.test_cli import main

STORY = "Ann baked bread."


class ScriptedModel:
    """Says what a script has, in turn, and keeps what it was asked."""

    def __init__(self, context: int, *script: str) -> None:
        self.context = context
        self._script = iter(script)
        self.prompts: list[str] = []
        self.settings: list[dict[str, Any]] = []

    def generate(self, prompts: Sequence[str], **settings: Any) -> list[Completion]:
        signature(LanguageModel.generate).bind(self, prompts, **settings)
        self.prompts += prompts
        self.settings.append(settings)
        return [Completion(next(self._script, ""), 1, "stop") for _ in prompts]


Open = Callable[..., ScriptedModel]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Makes the model that any MODEL is."""

    def open_(context: int, *script: str) -> ScriptedModel:
        model = ScriptedModel(context, *script)
        monkeypatch.setattr(generate, "open_model", lambda loaded, name: model)
        return model

    return open_


@pytest.fixture
def config(write_config: WriteConfig) -> str:
    return str(
        write_config(
            "corpus: {task: text, path: corpus}\n"
            "tokens: {vocabulary: bytes}\n"
            "generation: {max_new_tokens: 4, temperature: 0}\n"
        )
    )


@pytest.fixture
def asks(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    def ask(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        return main(capsys, "--config", config, "generate", "latest", *arguments)

    return ask


Asks = Callable[..., tuple[int, str, str]]


def test_without_a_task_a_prompt_is_as_it_was_given(opened: Open, asks: Asks) -> None:
    model = opened(1000, "and on")
    assert asks("--prompt", " Raw (CNN) \r\n") == (0, "and on\n", "")
    assert model.prompts == [" Raw (CNN) \r\n"]
    assert list(model.settings[0]["stop"]) == []


@pytest.mark.parametrize(
    ("task", "raw", "prompt", "stop"),
    [
        ("cnn_dailymail", "(CNN) -- A bridge opened\n", "A bridge opened.\nTL;DR:\n", []),
        ("coqa", f"{STORY}\nQ: Who?\n", f"{STORY}\n Q: Who?\n A:", ["\n"]),
        ("text", "Once ", "Once ", []),
    ],
)
def test_a_task_asks_as_its_examples_do_and_stops_as_they_do(
    opened: Open, asks: Asks, task: str, raw: str, prompt: str, stop: list[str]
) -> None:
    model = opened(1000, "text")
    assert asks("--task", task, "--prompt", raw) == (0, "text\n", "")
    assert model.prompts == [prompt]
    assert list(model.settings[0]["stop"]) == stop


def test_a_stop_of_the_user_replaces_those_of_the_task(opened: Open, asks: Asks) -> None:
    model = opened(1000, "text")
    asks("--task", "coqa", "--stop", ".", "--prompt", f"{STORY}\nQ: Who?")
    assert model.settings[0]["stop"] == ["."]


def test_an_article_that_is_too_long_keeps_what_follows_it(opened: Open, asks: Asks) -> None:
    model = opened(24, "text")
    _, _, err = asks("--task", "cnn_dailymail", "--prompt", "A bridge opened for boats.")
    assert model.prompts == ["A bridge ope\nTL;DR:\n"]
    assert err == "gpt2-tfx: the prompt is cut to the 20 tokens that fit, as long examples are\n"


def test_a_text_that_is_too_long_is_left_to_the_model_which_keeps_its_end(
    opened: Open, asks: Asks
) -> None:
    model = opened(8, "text")
    assert asks("--task", "text", "--prompt", "Once upon a time")[2] == ""
    assert model.prompts == ["Once upon a time"]


def test_each_question_is_asked_with_what_was_said(opened: Open, asks: Asks) -> None:
    model = opened(1000, " Ann", " bread\n")
    found = asks("--chat", "--prompt", f"{STORY}\n", stdin="Who baked?\n\n  What  then? \n")
    assert found == (0, "Ann\nbread\n", "")
    assert model.prompts == [
        f"{STORY}\n Q: Who baked?\n A:",
        f"{STORY}\n Q: Who baked?\n A: Ann\n Q: What then?\n A:",
    ]
    assert [list(each["stop"]) for each in model.settings] == [["\n"], ["\n"]]
    assert [each["sample_offset"] for each in model.settings] == [0, 1]
    assert model.settings[0]["max_new_tokens"] == 4


def test_an_answer_without_words_is_no_part_of_what_was_said(opened: Open, asks: Asks) -> None:
    model = opened(1000, " ", "Ann")
    assert asks("--chat", "--prompt", STORY, stdin="One?\nTwo?\n")[1] == "\nAnn\n"
    assert model.prompts[1] == f"{STORY}\n Q: Two?\n A:"


def test_the_oldest_turns_go_when_they_do_not_fit(opened: Open, asks: Asks) -> None:
    model = opened(54, "a", "b", "c")
    _, out, err = asks("--chat", "--prompt", STORY, stdin="One?\nTwo?\nSix?\n")
    assert out == "a\nb\nc\n"
    assert model.prompts[1:] == [
        f"{STORY}\n Q: One?\n A: a\n Q: Two?\n A:",
        f"{STORY}\n Q: Two?\n A: b\n Q: Six?\n A:",
    ]
    assert all(len(prompt) <= 50 for prompt in model.prompts)
    assert err == (
        "gpt2-tfx: the oldest turn does not fit into 50 tokens any more and is left out\n"
    )


def test_a_story_that_does_not_fit_beside_a_question_is_cut(opened: Open, asks: Asks) -> None:
    model = opened(24, "a")
    assert asks("--chat", "--prompt", STORY, stdin="Who?\n")[0] == 0
    assert model.prompts == ["Ann bak\n Q: Who?\n A:"]


def test_flags_reach_every_answer(opened: Open, asks: Asks) -> None:
    model = opened(1000, "a", "b")
    asks("--chat", "--prompt", STORY, "--top-k", "3", "--seed", "9", stdin="One?\nTwo?\n")
    assert [(each["top_k"], each["seed"]) for each in model.settings] == [(3, 9), (3, 9)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "poetry", "--prompt", "x"], "--task poetry: unknown; there are"),
        (["--task", "coqa", "--prompt", "x"], "lines `Q: ...` and `A: ...`"),
        (["--chat", "--task", "text", "--prompt", "x"], "--task text: has no conversations"),
        (["-", "--chat"], "give the story with --prompt-file"),
        (["--chat", "--json", "--prompt", "x"], "--json: --chat prints each answer at once"),
        (["--chat", "--num-samples", "2", "--prompt", "x"], "--num-samples 2"),
        (["--chat", "--prompt", " "], "begins with its story"),
    ],
    ids=["no task", "no question", "no conversation", "stdin", "json", "samples", "no story"],
)
def test_what_cannot_be_asked_is_said(
    opened: Open, asks: Asks, arguments: list[str], said: str
) -> None:
    model = opened(1000)
    status, out, err = asks(*arguments, stdin="Who?\n")
    assert (status, out) == (2, "")
    assert said in err
    assert not model.prompts


def test_questions_that_are_no_text_are_told(
    opened: Open, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(1000)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    arguments = ("--config", config, "generate", "latest", "--chat", "--prompt", STORY)
    status, _, err = main(capsys, *arguments)
    assert status == 2
    assert "stdin: a question is not UTF-8 text" in err


def test_the_file_of_a_story_is_read(opened: Open, asks: Asks, tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text(STORY)
    model = opened(1000, "Ann")
    asks("--chat", "--prompt-file", str(tmp_path / "story.txt"), stdin="Who?")
    assert model.prompts == [f"{STORY}\n Q: Who?\n A:"]
