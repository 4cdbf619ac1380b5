"""A corpus of token ids in `.npz`, read in random windows, from the files to a pushed model."""

import json
from pathlib import Path

import numpy as np
import pytest

from preprocessing.tokens.vocabulary import load_vocabulary
from tests.end_to_end.project import SMALL, Project

END_OF_TEXT = 50_256


def write_archives(root: Path, folder: Path) -> int:
    """The documents of the text that ships as ids, an archive a split; how many documents."""
    vocabulary = load_vocabulary("gpt2")
    text = (root / "data" / "text" / "fables.txt").read_text()
    documents = [vocabulary.encode(text[start : start + 500]) for start in range(0, 5000, 500)]
    folder.mkdir()
    parts = {"train": documents[:6], "validation": documents[6:8], "test": documents[8:]}
    for split, members in parts.items():
        joined = [token for ids in members for token in [*ids, END_OF_TEXT]]
        np.savez_compressed(folder / f"{split}.npz", np.array(joined, np.uint16))
    return len(documents)


@pytest.mark.long
def test_ids_pass_the_gate_and_are_trained_on_in_random_windows(root: Path, tmp_path: Path) -> None:
    count = write_archives(root, tmp_path / "ids")
    project = Project(tmp_path / "project")
    project.configure(
        corpus={"task": "text", "path": str(tmp_path / "ids")},
        tokens={**SMALL["tokens"], "windows": "random"},
    )
    done = project.call("run")
    assert done.returncode == 0, done.stderr
    assert set(project.last_run().values()) == {"run"}
    (report,) = project.workspace.rglob("drops.json")
    drops = json.loads(report.read_text())
    assert (drops["records"], drops["dropped"]) == (count, 0)
    assert all(drops["splits"].values())
    shown = project.json("lineage", "show", "latest")
    assert shown["metrics"]["perplexity"] > 1
    assert shown["parameters"]["tokens.windows"] == "random"
