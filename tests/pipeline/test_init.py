"""`gpt2-tfx init`: the configuration that it writes holds, whatever the corpus is called."""

import doctest
import json
import os
from pathlib import Path

import fastjsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import own_configuration as own
from pipeline.config_options import all_options
from pipeline.config_reading import load_config
from pipeline.config_reference import commented, json_schema
from preprocessing.tasks.registry import TASKS
from tests.pipeline.test_cli import main, modules_after

is_valid = fastjsonschema.compile(json_schema())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the commands are called in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_without_a_task_it_is_found_and_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "books").mkdir()
    (here / "books" / "one.txt").write_text("Prose.\n")
    status, out, err = main(capsys, "init", "books")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "wrote  pipeline.yaml",
        "task   text",
        "found  1 file, 7 bytes in books",
        "next   gpt2-tfx plan, then gpt2-tfx run",
    ]
    corpus = load_config(here / "pipeline.yaml").config.corpus
    assert (corpus.task, corpus.path, corpus.loss_on) == ("text", "books", "all")


@pytest.mark.parametrize("name", TASKS)
def test_what_is_written_for_a_corpus_that_ships_is_planned(
    root: Path, here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(capsys, "init", str(root / "data" / name))[0] == 0
    is_valid(yaml.safe_load((here / "pipeline.yaml").read_text()))
    status, out, err = main(capsys, "plan", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["nodes"][0] == {
        "node": "CorpusGen",
        "action": "run",
        "reasons": [{"kind": "first", "detail": "it has never completed"}],
    }


@pytest.mark.parametrize("name", TASKS)
def test_without_a_path_one_edit_is_left(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    status, out, _ = main(capsys, "init", "--task", name, "--config", "my own.yaml")
    assert status == 0
    assert f"edit   corpus.path in it: {TASKS[name].corpora}" in out
    assert "gpt2-tfx --config 'my own.yaml' plan" in out
    text = (here / "my own.yaml").read_text()
    assert "let corpus.path name your corpus" in text
    assert load_config(here / "my own.yaml").config.corpus.task == name
    assert main(capsys, "--config", "my own.yaml", "plan")[0] == 2
    (here / "edited.yaml").write_text(text.replace("path: corpus", "path: mine"))
    (here / "mine").mkdir()
    loaded = load_config(here / "edited.yaml")
    assert loaded.path(loaded.config.corpus.path) == here / "mine"


def test_every_key_has_the_comment_that_the_page_of_the_configuration_has(here: Path) -> None:
    text = own.own_configuration(TASKS["coqa"], "mine", {}, "workspace")
    assert commented(text) == text
    meanings = {option.key: option.meaning for option in all_options()}
    comments = " ".join(line.strip(" #") for line in text.splitlines())
    for section, values in yaml.safe_load(text).items():
        keys = [f"{section}.{key}" for key in values] if isinstance(values, dict) else [section]
        assert all(meanings[key] in comments for key in keys)


def test_columns_that_were_found_are_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.jsonl").write_text('{"document": "An article.", "summary": "A summary."}\n')
    assert main(capsys, "init", "a.jsonl")[0] == 0
    corpus = load_config(here / "pipeline.yaml").config.corpus
    assert (corpus.article_column, corpus.highlights_column) == ("document", "summary")
    assert corpus.loss_on == "target"


def test_a_file_that_is_there_stays(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "pipeline.yaml").write_text("seed: 3\n")
    status, out, err = main(capsys, "init", "--task", "text")
    assert (status, out) == (2, "")
    assert "pipeline.yaml: exists already; remove it, or name another with --config" in err
    assert (here / "pipeline.yaml").read_text() == "seed: 3\n"


def test_a_link_to_nothing_is_a_file_that_is_there(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "pipeline.yaml").symlink_to(here / "elsewhere.yaml")
    assert main(capsys, "init", "--task", "text")[0] == 2
    assert not (here / "elsewhere.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "no such file or folder"),
        (["."], "no corpus of a known task"),
        (["--task", "poetry"], "--task poetry: unknown; there are cnn_dailymail, coqa, text"),
        (["--task", "text", "--set", "seed=2"], "--set seed=2: init reads no configuration"),
        (["--task", "text", "--config", "no/such/pipeline.yaml"], "name another file"),
    ],
    ids=["nothing there", "no corpus", "no task", "a key", "no folder"],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    status, out, err = main(capsys, "init", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert not list(here.iterdir())


def test_in_the_corpus_itself_the_workspace_is_hidden(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "book.txt").write_text("Prose.\n")
    assert main(capsys, "init", ".")[0] == 0
    loaded = load_config(here / "pipeline.yaml")
    assert loaded.workspace == here / ".workspace"
    assert main(capsys, "plan")[0] == 0


def test_beneath_the_file_a_corpus_is_named_from_it_and_elsewhere_from_the_root(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "sub").mkdir()
    (here.parent / "book.txt").write_text("Prose.\n")
    (here / "book.txt").write_text("Prose.\n")
    for config, corpus in (
        ("a.yaml", "book.txt"),
        ("b.yaml", "../book.txt"),
        ("sub/c.yaml", "book.txt"),
    ):
        assert main(capsys, "init", corpus, "--config", config)[0] == 0
    written = [load_config(here / f).config.corpus.path for f in ("a.yaml", "b.yaml", "sub/c.yaml")]
    assert written == ["book.txt", str(here.parent / "book.txt"), str(here / "book.txt")]


names = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="/\0"),
        st.sampled_from(" '\"#:~*?[]{}&!%@`|>-\n\r\t\x85\u2028\ufeff"),
    ),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 200)


@given(name=names)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_of_a_corpus_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    corpus = tmp_path / name
    path = own.path_from(tmp_path, corpus)
    file = tmp_path / "written.yaml"
    workspace = own.workspace_beside(tmp_path, corpus)
    text = own.own_configuration(TASKS["cnn_dailymail"], path, {}, workspace)
    file.write_text(text, encoding="utf-8")
    loaded = load_config(file)
    assert os.fspath(loaded.path(loaded.config.corpus.path)) == os.fspath(corpus)


def test_a_name_that_is_no_utf8_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No configuration can hold it."""
    name = os.fsdecode(b"b\xfccher")
    (here / name).mkdir()
    (here / name / "one.txt").write_text("Prose.\n")
    status, _, err = main(capsys, "init", name)
    assert (status, "b?cher: is called what is no UTF-8" in err) == (2, True)
    assert not (here / "pipeline.yaml").exists()


def test_it_imports_no_tensorflow_and_no_beam(root: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "pipeline.yaml")
    status, heavy = modules_after(
        root, "--config", target, "init", str(root / "data" / "cnn_dailymail")
    )
    assert status == 0
    assert not heavy & {"tensorflow", "tfx", "apache_beam", "kfp"}


def test_the_examples_in_the_documentation_hold() -> None:
    results = doctest.testmod(own)
    assert results.attempted
    assert not results.failed
