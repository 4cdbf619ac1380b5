"""A user's mistake gets one clear message and exit status 2, and leaves the workspace usable.

The tests of this file share one project and stand in the order of its history.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.store import Store
from serving.model import load_model
from tests.end_to_end.project import Project, any_story, copy_stories
from trainer.config import GPT2Config, variable_shapes
from trainer.weights.openai import write_openai

CONFIG = GPT2Config(50257, context=128, width=16, heads=2, layers=1)
SHAPE = {"layers": 1, "heads": 2, "width": 16, "context": 128}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("bad_input")
    copy_stories(folder / "stories", train=4, validation=1, test=1)
    return Project(folder, {"corpus": {"task": "cnn_dailymail", "path": "stories"}})


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """Those of a base model."""
    rng = np.random.default_rng(1)
    return {
        name: rng.normal(0, 0.02, shape).astype(np.float32)
        for name, shape in variable_shapes(CONFIG).items()
    }


def refused(project: Project, *arguments: str) -> str:
    """The message of a call that ends with exit status 2 and without a traceback."""
    done = project.call(*arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_missing_corpus_and_an_unknown_key_are_reported_together(project: Project) -> None:
    corpus = project.config["corpus"]
    project.configure(corpus={"path": "nowhere", "tasks": "text"})
    message = refused(project, "run")
    project.configure(corpus=corpus)
    assert "corpus.path: 'nowhere'" in message
    assert "corpus.tasks: unknown key" in message
    assert not project.workspace.exists()


def test_a_conversation_that_is_no_json_names_file_and_line(project: Project) -> None:
    (project.folder / "coqa.json").write_text('{"version": "1.0",\n "data": [{"id": }]}')
    given = ["--set", "corpus.task=coqa", "--set", "corpus.path=coqa.json", "--set", "seed=5"]
    message = refused(project, *given, "run")
    assert "coqa.json" in message
    assert "line 2" in message
    assert project.last_run()["CorpusGen"] == "failed"
    # The configuration is recorded with the run.
    (run,) = Store("gpt2", None, project.workspace).runs()
    parameters = json.loads(str(run.properties["parameters"]))
    assert parameters["seed"] == 5
    assert parameters["corpus.path"] == "coqa.json"


def test_a_story_without_highlights_is_named(project: Project) -> None:
    story = any_story(project.folder / "stories")
    whole = story.read_text()
    story.write_text(whole.split("@highlight")[0])
    message = refused(project, "run", "--to", "CorpusGen")
    story.write_text(whole)
    assert "no_highlight" in message
    assert story.name in message
    assert "corpus.max_dropped_fraction" in message


def test_an_anomaly_in_the_data_stops_the_run_with_its_text(project: Project) -> None:
    stories = {path: path.read_text() for path in project.folder.glob("stories/**/*.story")}
    for number, (path, whole) in enumerate(stories.items()):
        highlights = whole.split("@highlight")[1].strip()
        path.write_text(f"Too short {number}.\n\n@highlight\n\n{highlights}")
    message = refused(project, "run", "--to", "Tokenizer")
    for path, whole in stories.items():
        path.write_text(whole)
    assert "ExampleValidator: anomaly in split train, feature prompt_characters" in message
    assert "validation.schema" in message
    assert project.last_run()["Tokenizer"] == "skipped"


def test_after_all_these_the_conversations_that_ship_make_a_model_with_its_base_in_the_lineage(
    project: Project, weights: dict[str, np.ndarray], root: Path
) -> None:
    base = project.folder / "base"
    write_openai(base, CONFIG, weights)
    project.configure(
        corpus={"task": "coqa", "path": str(root / "data" / "coqa")},
        model={"base": "base", **SHAPE},
        training={"steps": 1, "batch_size": 1, "learning_rate": 1e-9},
    )
    assert project.run()["BaseModel"] == "run"
    shown = project.json("lineage", "show", "latest")
    assert shown["base_model"]["uri"] == str(base)
    assert len(shown["base_model"]["digest"]) == 64
    # They were answered turn by turn.
    assert 0 <= shown["metrics"]["f1"] <= 1
    assert 0 <= shown["metrics"]["exact_match"] <= 1
    # It answers as the checkpoint itself does, which a model from random weights would not.
    pushed, started = (
        load_model(path).generate(["The bridge"], max_new_tokens=5, temperature=0)
        for path in (project.workspace / "serving" / project.latest, base)
    )
    assert pushed == started


def test_other_bytes_of_the_base_are_other_weights(
    project: Project, weights: dict[str, np.ndarray]
) -> None:
    other = {**weights, "model/wpe": weights["model/wpe"] + 1}
    write_openai(project.folder / "base", CONFIG, other)
    plan = {step["node"]: step for step in project.json("plan")["nodes"]}
    (reason,) = plan["BaseModel"]["reasons"]
    assert reason["kind"] == "data"
    assert reason["detail"].startswith("base_model changed: ")
    assert "model.ckpt.data-" in reason["detail"]


def test_a_truncated_checkpoint_is_refused_by_name(project: Project) -> None:
    (data,) = (project.folder / "base").glob("model.ckpt.data-*")
    data.write_bytes(data.read_bytes()[:-1000])
    message = refused(project, "run", "--force", "CorpusGen", "--to", "Trainer")
    assert "model.ckpt" in message
    states = project.last_run()
    assert states["BaseModel"] == "failed"
    assert states["CorpusGen"] == "skipped"
