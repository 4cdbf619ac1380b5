"""The main job from stories to a pushed model, then what a rerun, a touch, an edit and a worse model do.

The tests of this file share one project and stand in the order of its history.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from serving.model import load_model
from tests.end_to_end.project import Project, any_story, copy_stories
from tests.pipeline.trees import snapshot
from tests.read_only import may_mount, read_only

NODES = [
    "CorpusGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "Tokenizer",
    "Trainer",
    "Evaluator",
    "Attest",
    "Pusher",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    # In a folder whose name has all that names may have.
    folder = tmp_path_factory.mktemp("the main job's Gr\u00f6\u00dfe")
    copy_stories(folder / "stories")
    corpus = {"task": "cnn_dailymail", "path": "stories", "loss_on": "all"}
    made = Project(folder, {"corpus": corpus})
    done = made.call("run")
    assert done.returncode == 0, done.stderr
    assert made.last_run() == dict.fromkeys(NODES, "run")
    assert "tensorflow" not in done.stderr.lower()
    return made


def test_the_first_run_pushes_a_model_with_its_provenance(project: Project) -> None:
    version = project.workspace / "serving" / project.latest
    assert (version / "saved_model.pb").is_file()
    provenance = json.loads((version / "provenance.json").read_text())
    assert provenance["blessed"] is True
    assert provenance["corpus"]["records"] == 18
    assert set(provenance["evaluation"]["metrics"]) >= {"perplexity", "rouge1", "rouge2", "rougeL"}
    assert "blessed" in (version / "README.md").read_text()


def test_the_pages_of_a_run_lead_to_one_another(project: Project) -> None:
    index = project.workspace / "index.html"
    pages = {Path(link).name: index.parent / link for link in _links(index)}
    assert pages.keys() >= {"evaluation.html", "training.html", "corpus.html", "tokens.html"}
    beside = {
        (pages["evaluation.html"].parent / link).resolve()
        for link in _links(pages["evaluation.html"])
    }
    assert beside == {
        path.resolve() for path in (pages["training.html"], pages["corpus.html"], index)
    }
    assert all(page.is_file() for page in pages.values())
    assert "<mark>" in pages["training.html"].read_text()
    assert "What cleaning does" in pages["corpus.html"].read_text()


def _links(page: Path) -> list[str]:
    return re.findall(r'href="([^"#]+)"', page.read_text())


def test_the_noise_of_libraries_goes_to_the_log_of_the_node(project: Project) -> None:
    logs = list((project.workspace / "logs").glob("*/Trainer.log"))
    assert logs
    assert "Running launcher" in logs[0].read_text()


def test_a_second_run_runs_nothing_and_the_store_shows_it(project: Project) -> None:
    assert project.call("plan", "--exit-code").returncode == 0
    assert project.run() == dict.fromkeys(NODES, "cached")
    first, second = project.json("status")["runs"][1], project.json("status")["runs"][0]
    assert [n["key"] for n in first["nodes"]] == [n["key"] for n in second["nodes"]]
    assert {first["state"], second["state"]} == {"complete"}
    assert {n["reason"] for n in first["nodes"]} == {"first: it has never completed"}
    assert {n["reason"] for n in second["nodes"]} == {""}
    # Everything else that a run leaves in the workspace belongs to what the second has used again.
    removed = project.json("gc", "--keep", "1", "--dry-run")["removed"]
    assert [each["path"] for each in removed] == [f"logs/{first['run_id']}"]


def test_a_copy_elsewhere_is_reused_whole_without_the_original(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.folder, tmp_path / "copy", symlinks=True)
    hidden = project.folder.rename(tmp_path / "original")
    try:
        copy = Project(tmp_path / "copy", project.config)
        assert copy.run() == dict.fromkeys(NODES, "cached")
        shown = copy.json("lineage", "show", "latest")
        for artifact in shown["artifacts"]:
            assert Path(artifact["uri"]).is_relative_to(copy.folder)
            assert Path(artifact["uri"]).exists()
    finally:
        hidden.rename(project.folder)


def test_touching_a_story_runs_nothing_and_planning_writes_nothing(project: Project) -> None:
    os.utime(any_story(project.folder / "stories"))
    before = snapshot(project.workspace)
    assert {step["action"] for step in project.json("plan")["nodes"]} == {"reuse"}
    assert snapshot(project.workspace) == before
    assert project.run() == dict.fromkeys(NODES, "cached")


@contextmanager
def mounted_read_only(project: Project) -> Iterator[None]:
    """The commands of the project see its workspace so, where this machine lets us mount."""
    project.before = read_only(project.workspace) if may_mount() else []
    try:
        yield
    finally:
        project.before = []


@contextmanager
def left_alone(project: Project) -> Iterator[None]:
    """The corpus is elsewhere meanwhile and the workspace read-only, which is afterwards what it was."""
    corpus, before = project.folder / "stories", snapshot(project.workspace)
    corpus.rename(project.folder / "elsewhere")
    try:
        with mounted_read_only(project):
            yield
    finally:
        (project.folder / "elsewhere").rename(corpus)
    assert snapshot(project.workspace) == before


def test_the_pushed_model_answers_without_the_corpus(project: Project) -> None:
    prompt = "The harbour bridge.\nTL;DR:\n"
    limits = ["--num-samples", "2", "--max-new-tokens", "5", "--seed", "3", "--top-p", "1"]
    with left_alone(project):
        samples = project.json("generate", "latest", "--prompt", prompt, *limits)["samples"]
    model = load_model(project.workspace / "serving" / project.latest)
    completions = model.generate([prompt] * 2, max_new_tokens=5, seed=3)
    assert samples == [asdict(completion) for completion in completions]


def test_the_lineage_of_the_model_names_everything_behind_it(project: Project) -> None:
    with left_alone(project):
        shown = project.json("lineage", "show", "latest")
        assert project.last_run() == dict.fromkeys(NODES, "cached")
    assert shown["corpus"]["task"] == "cnn_dailymail"
    assert shown["corpus"]["records"] == 18
    assert len(shown["corpus"]["digest"]) == len(shown["code"]["digest"]) == 64
    assert shown["parameters"]["training.steps"] == 6
    assert shown["base_model"] is None
    assert shown["metrics"]["perplexity"] > 1
    assert [node["node"] for node in shown["nodes"]][-1] == "Pusher"
    assert {node["node"] for node in shown["nodes"]} == set(NODES)
    assert all(artifact["digest"] for artifact in shown["artifacts"])
    assert shown["model"]["version"] == project.latest
    assert [time["until"] for time in shown["served"]] == [None]
    provenance = project.workspace / "serving" / project.latest / "provenance.json"
    pushed = json.loads(provenance.read_text())
    assert pushed["parameters"] == shown["parameters"]
    made_with = ("node", "key", "parameters", "code", "environment", "externals")
    behind = {node["key"]: {name: node[name] for name in made_with} for node in shown["nodes"]}
    for node in pushed["nodes"]:
        assert {name: node[name] for name in made_with} == behind[node["key"]]


def test_changed_code_runs_the_node_that_reaches_it_and_a_comment_runs_none(
    project: Project, tmp_path: Path
) -> None:
    """Only planned: the code is a copy, and a plan starts in no time."""
    copied = tmp_path / "code"
    for package in (
        "preprocessing",
        "trainer",
        "serving",
        "components",
        "pipeline",
        "requirements",
    ):
        shutil.copytree(project.code / package, copied / package)
    elsewhere = Project(project.folder, project.config, code=copied)
    assert {step["action"] for step in elsewhere.json("plan")["nodes"]} == {"reuse"}
    rouge = copied / "components" / "metrics" / "rouge.py"
    rouge.write_text(rouge.read_text() + "\n# changed\n")
    assert {step["action"] for step in elsewhere.json("plan")["nodes"]} == {"reuse"}
    rouge.write_text(rouge.read_text().replace("return ", "return None or ", 1))
    plan = {step["node"]: step for step in elsewhere.json("plan")["nodes"]}
    assert plan["Evaluator"]["action"] == "run"
    (reason,) = plan["Evaluator"]["reasons"]
    assert reason["kind"] == "code"
    assert re.fullmatch(r"components/metrics/rouge\.py changed: \w+", reason["detail"])
    assert plan["Trainer"]["action"] == "reuse"
    assert plan["Attest"]["action"] == plan["Pusher"]["action"] == "maybe"


def test_after_a_changed_story_the_corpus_and_what_follows_run(project: Project) -> None:
    story = any_story(project.folder / "stories")
    story.write_text(story.read_text().rstrip() + " after all\n")
    before, old = project.latest, project.json("lineage", "show", "latest")
    states = project.run()
    assert states["CorpusGen"] == states["Tokenizer"] == states["Trainer"] == "run"
    assert states["ImportSchemaGen"] == "cached"
    assert project.latest != before
    # The model was compared with the one before, whose lineage is not this one's.
    new = project.json("lineage", "show", "latest")
    assert new["corpus"]["digest"] != old["corpus"]["digest"]
    assert new["model"]["digest"] != old["model"]["digest"]
    assert len([node for node in new["nodes"] if node["node"] == "CorpusGen"]) == 1
    provenance = project.workspace / "serving" / project.latest / "provenance.json"
    assert json.loads(provenance.read_text())["corpus"] == new["corpus"]


def test_a_worse_model_is_refused_and_the_champion_stays(project: Project) -> None:
    champion = project.latest
    worse = ["--set", "training.learning_rate=0.0000001"]
    done = project.call(*worse, "run")
    assert done.returncode == 0, done.stderr
    assert "blessed: no" in done.stdout
    assert project.latest == champion
    assert project.call(*worse, "run", "--require-blessing").returncode == 1
    assert project.last_run()["Evaluator"] == "cached"
    report = json.loads(
        max(
            (project.workspace / "artifacts/Evaluator/evaluation").glob("*/metrics.json"),
            key=lambda path: int(path.parent.name),
        ).read_text()
    )
    failed = [check["metric"] for check in report["checks"] if not check["passed"]]
    assert failed == ["perplexity"]
    assert report["champion"]["perplexity"] < report["metrics"]["perplexity"]


def test_a_rollback_holds_until_it_is_released(project: Project) -> None:
    versions = sorted(
        (path.name for path in (project.workspace / "serving").iterdir() if path.name.isdecimal()),
        key=int,
    )
    newest = project.latest
    other = next(version for version in versions if version != newest)
    assert project.call("rollback", other).returncode == 0
    assert set(project.run().values()) == {"cached"}
    assert project.latest == other
    assert project.call("rollback", "--release").returncode == 0
    assert set(project.run().values()) == {"cached"}
    assert project.latest == newest


def test_what_is_damaged_or_gone_is_made_again_and_nothing_else(project: Project) -> None:
    versions = project.workspace / "serving"
    shutil.rmtree(versions / project.latest)
    rows = max(
        (project.workspace / "artifacts/Tokenizer/tokens").glob("*/Split-test/*.tfrecord"),
        key=lambda path: int(path.parts[-3]),
    )
    rows.write_bytes(rows.read_bytes()[:-1] + b"x")
    plan = {step["node"]: step for step in project.json("plan")["nodes"]}
    assert plan["Tokenizer"]["action"] == "run"
    assert plan["Tokenizer"]["reasons"][0]["kind"] == "corrupt"
    # The rows come out the same, so the model is not trained and scored again: early cut-off.
    states = project.run()
    assert {node for node, state in states.items() if state == "run"} == {"Tokenizer", "Pusher"}
    assert (versions / project.latest / "provenance.json").is_file()


def test_gc_leaves_what_the_last_run_and_the_pushed_versions_need(project: Project) -> None:
    said = project.json("gc", "--keep", "1", "--dry-run")
    done = project.json("gc", "--keep", "1")
    assert done["bytes"] == said["bytes"] > 0
    kinds = {each["kind"] for each in done["removed"]}
    assert kinds >= {"artifact", "manifest", "scores", "logs", "system"}
    assert set(project.run().values()) == {"cached"}
    shown = project.json("lineage", "show", "latest")
    assert not [each for each in shown["artifacts"] if each["collected"]]


def test_a_model_is_scored_outside_of_a_run(project: Project, tmp_path: Path) -> None:
    predictions = tmp_path / "predictions.jsonl"
    with mounted_read_only(project):
        scored = project.json(
            "evaluate", "latest", "--task", "cnn_dailymail", "--split", "validation",
            "--data", str(project.folder / "stories"), "--predictions", str(predictions),
        )  # fmt: skip
    assert scored["generated"] == 3
    assert 0 <= scored["metrics"]["rouge1"] <= 1
    assert len(predictions.read_text().splitlines()) == 3
