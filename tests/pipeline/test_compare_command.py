"""`gpt2-tfx compare`, as a user calls it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of


def predictions(path: Path, scores: list[float], references: str = "r", first: int = 0) -> str:
    """A file of predictions with these scores, one for each record from the first number on."""
    rows = [
        {"record": f"s{n}", "turn": 1, "references": [references], "scores": {"rouge1": score}}
        for n, score in enumerate(scores, first)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main(["compare", *arguments, "--json"]) == 0
    return document_of("compare", capsys.readouterr().out)


def test_two_files_are_paired_by_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = predictions(tmp_path / "one", [0.1, 0.2, 0.3, 0.4] * 10)
    other = predictions(tmp_path / "other", [0.3, 0.4, 0.5, 0.6] * 10, first=2)
    document = ask(capsys, one, other)
    assert (document["records"], document["only_in_a"], document["only_in_b"]) == (38, 2, 2)
    assert set(document["metrics"]) == {"rouge1"}
    assert cli.main(["compare", one, other]) == 0
    said = capsys.readouterr().out
    assert "left out: 2 only in A, 2 only in B" in said
    assert document["metrics"]["rouge1"]["verdict"] in said


def test_the_word_better_does_not_stand_where_nothing_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = predictions(tmp_path / "one", [0.1, 0.9, 0.2, 0.8])
    other = predictions(tmp_path / "other", [0.9, 0.2, 0.8, 0.2])
    assert cli.main(["compare", one, other]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "rouge1" in line)
    assert line.endswith("no difference shown")
    assert "better" not in line


def test_runs_and_versions_are_found_by_their_names(
    launches: Launches, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = []
    for number, score in enumerate((0.1, 0.5)):
        launches.results |= {"Trainer": f"m{number}", "Evaluator": f"e{number}"}
        versions.append(str(launches.run(f"run-{number}", None, f"seed={number}").pushed))
        evaluations = launches.config_file.parent / "workspace/artifacts/Evaluator/evaluation"
        newest = max(evaluations.iterdir(), key=lambda path: int(path.name))
        predictions(newest / "predictions.jsonl", [score, score])
    config = ["--config", str(launches.config_file)]
    for a, b in (("run-0", "run-1"), (versions[0], "latest"), ("run-0", versions[1])):
        document = ask(capsys, a, b, *config)
        assert document["metrics"]["rouge1"]["difference"]["value"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("", "it has no prediction"),
        ('{"record": "s0"}', ":1: not a prediction"),
        ("nothing", None),
        (None, "neither a file of predictions, nor a run"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    launches: Launches,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    other: str | None,
    message: str | None,
) -> None:
    one = predictions(tmp_path / "one", [0.1, 0.2])
    second = tmp_path / "second"
    if message is None:
        predictions(second, [0.1], references="another text")
        message = "has other references"
    elif other is not None:
        second.write_text(other)
    config = ["--config", str(launches.config_file)]
    assert cli.main([*config, "compare", one, str(second)]) == 2
    assert message in capsys.readouterr().err


def test_evaluations_of_other_splits_have_nothing_in_common(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = predictions(tmp_path / "one", [0.1])
    other = predictions(tmp_path / "other", [0.1], first=5)
    assert cli.main(["compare", one, other]) == 2
    assert "no record in common" in capsys.readouterr().err
