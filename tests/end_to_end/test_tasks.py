"""Every task runs on genuine data with only path and task changed."""

from pathlib import Path

import pytest

from tests.end_to_end.project import Project


# In every run of the tests stories and conversations that ship go through the pipeline.
@pytest.mark.long
@pytest.mark.parametrize(
    ("task", "path", "metrics", "blessed"),
    [
        ("cnn_dailymail", "cnn_dailymail", {"rouge1", "rouge2", "rougeL", "perplexity"}, True),
        # The one conversation is in the released training split, so nothing is held out.
        ("coqa", "coqa/coqa-train-v1.0.json", {"exact_match", "f1", "perplexity"}, False),
        ("text", "text/tinyshakespeare.txt", {"perplexity"}, True),
    ],
)
def test_a_task_runs_on_its_genuine_sample(
    task: str, path: str, metrics: set[str], blessed: bool, tmp_path: Path, genuine: Path
) -> None:
    project = Project(tmp_path, {"corpus": {"task": task, "path": str(genuine / path)}})
    done = project.call("run")
    assert done.returncode == 0, done.stderr
    assert set(project.last_run().values()) == {"run"}
    assert f"blessed: {'yes' if blessed else 'no'}" in done.stdout
    if blessed:
        shown = project.json("lineage", "show", "latest")
        assert metrics <= set(shown["metrics"])
        assert shown["metrics"]["perplexity"] is not None
        assert shown["corpus"]["task"] == task
    else:
        assert "the test split holds no token to score" in done.stderr
        assert "not scored" in done.stdout


@pytest.mark.long
def test_the_full_shape_of_124m_runs_two_steps_on_a_cpu(tmp_path: Path, root: Path) -> None:
    corpus = {"task": "cnn_dailymail", "path": str(root / "data" / "cnn_dailymail")}
    project = Project(tmp_path, {"corpus": corpus})
    project.configure(model={"size": "124M"}, training={"steps": 2, "batch_size": 1})
    project.run()
    assert project.json("lineage", "show", "latest")["parameters"]["model.size"] == "124M"
