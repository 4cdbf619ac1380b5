"""A user's mistake gets one clear message and exit status 2, and leaves the workspace usable."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.project import Project, any_story, copy_stories
from trainer.config import GPT2Config, variable_shapes
from trainer.weights.openai import write_openai


@pytest.fixture
def project(tmp_path: Path) -> Project:
    copy_stories(tmp_path / "stories", train=4, validation=1, test=1)
    return Project(tmp_path, {"corpus": {"task": "cnn_dailymail", "path": "stories"}})


def refused(project: Project, *arguments: str) -> str:
    """The message of a call that ends with exit status 2 and without a traceback."""
    done = project.call(*arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_missing_corpus_and_an_unknown_key_are_reported_together(project: Project) -> None:
    project.configure(corpus={"path": "nowhere", "tasks": "text"})
    message = refused(project, "run")
    assert "corpus.path: 'nowhere'" in message
    assert "corpus.tasks: unknown key" in message
    assert not project.workspace.exists()


def test_a_conversation_that_is_no_json_names_file_and_line(project: Project) -> None:
    (project.folder / "coqa.json").write_text('{"version": "1.0",\n "data": [{"id": }]}')
    project.configure(corpus={"task": "coqa", "path": "coqa.json"})
    message = refused(project, "run")
    assert "coqa.json" in message
    assert "line 2" in message
    assert project.last_run()["CorpusGen"] == "failed"


def test_a_story_without_highlights_is_named_and_the_workspace_stays_usable(
    project: Project,
) -> None:
    story = any_story(project.folder / "stories")
    whole = story.read_text()
    story.write_text(whole.split("@highlight")[0])
    message = refused(project, "run", "--to", "CorpusGen")
    assert "no_highlight" in message
    assert story.name in message
    assert "corpus.max_dropped_fraction" in message
    story.write_text(whole)
    done = project.call("run", "--to", "CorpusGen")
    assert done.returncode == 0, done.stderr


def test_an_anomaly_in_the_data_stops_the_run_with_its_text(project: Project) -> None:
    story = any_story(project.folder / "stories")
    story.write_text(
        "Too short.\n\n@highlight\n\n" + story.read_text().split("@highlight")[1].strip()
    )
    message = refused(project, "run", "--to", "Tokenizer")
    assert "ExampleValidator: anomaly in split train, feature prompt_characters" in message
    assert "validation.schema" in message
    assert project.last_run()["Tokenizer"] == "skipped"


def test_a_truncated_checkpoint_is_refused_by_name(project: Project) -> None:
    config = GPT2Config(50257, context=128, width=16, heads=2, layers=1)
    base = project.folder / "base"
    zeros = {name: np.zeros(shape, np.float32) for name, shape in variable_shapes(config).items()}
    write_openai(base, config, zeros)
    (data,) = base.glob("model.ckpt.data-*")
    data.write_bytes(data.read_bytes()[:-1000])
    model = {"base": "base", "layers": 1, "heads": 2, "width": 16, "context": 128}
    project.configure(model=model)
    message = refused(project, "run", "--to", "Trainer")
    assert "model.ckpt" in message
    states = project.last_run()
    assert states["BaseModel"] == "run"
    assert states["Trainer"] == "failed"


def test_a_base_model_is_in_the_lineage(project: Project) -> None:
    config = GPT2Config(50257, context=128, width=16, heads=2, layers=1)
    rng = np.random.default_rng(1)
    weights = {
        name: rng.normal(0, 0.02, shape).astype(np.float32)
        for name, shape in variable_shapes(config).items()
    }
    write_openai(project.folder / "base", config, weights)
    project.configure(
        model={"base": "base", "layers": 1, "heads": 2, "width": 16, "context": 128},
        training={"steps": 1, "batch_size": 1, "learning_rate": 1e-9},
    )
    assert project.run()["BaseModel"] == "run"
    shown = project.json("lineage", "show", "latest")
    assert shown["base_model"]["uri"] == str(project.folder / "base")
    assert len(shown["base_model"]["digest"]) == 64
    # It answers as the checkpoint itself does, which a model from random weights would not.
    ask = ["--prompt", "The bridge", "--temperature", "0", "--max-new-tokens", "5"]
    pushed = project.json("generate", "latest", *ask)
    assert pushed == project.json("generate", str(project.folder / "base"), *ask)
    # Other bytes of the base are other weights.
    weights["model/wpe"] += 1
    write_openai(project.folder / "base", config, weights)
    plan = {step["node"]: step for step in project.json("plan")["nodes"]}
    assert plan["BaseModel"]["reasons"] == [{"kind": "data", "detail": "base_model changed"}]


def test_the_configuration_of_a_run_is_recorded_with_it(project: Project) -> None:
    done = project.call("--set", "seed=5", "run", "--to", "ImportSchemaGen")
    assert done.returncode == 0, done.stderr
    from pipeline.store import Store

    (run,) = Store("gpt2", None, project.workspace).runs()
    parameters = json.loads(str(run.properties["parameters"]))
    assert parameters["seed"] == 5
    assert parameters["corpus.path"] == "stories"
