"""The text of stories that were purged is in no byte of a genuine workspace any more, nor after the next run."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from pipeline.erasure.key import KEY_VARIABLE
from pipeline.signing import KEY_VARIABLE as SIGNING_KEY
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.end_to_end.project import Project, any_story, copy_stories
from tests.pipeline.byte_search import forms_of, places_of
from tests.pipeline.signing_keys import key_pair

SECRET = "Zebulon Quackenbush of Ravenglass owed the harbour master forty crowns"


@pytest.mark.long
def test_no_byte_of_purged_stories_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, public = key_pair(tmp_path, "signing")
    monkeypatch.setenv(SIGNING_KEY, str(private))
    (tmp_path / "erasure.key").write_text(os.urandom(32).hex())
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "erasure.key"))
    corpus = copy_stories(tmp_path / "corpus")
    (corpus / "excluded.txt").write_text("")
    stories = [any_story(corpus), any_story(corpus, "test")]
    for story in stories:
        text = story.read_text(encoding="utf-8")
        story.write_text(f"{SECRET} .\n\n{text}\n\n@highlight\n\n{SECRET}\n", encoding="utf-8")
    section = {"task": "cnn_dailymail", "path": str(corpus), "exclude_file": "excluded.txt"}
    # So few records cannot show that one model is no worse than another.
    evaluation = {"not_worse": None}
    project = Project(tmp_path / "project", {"corpus": section, "evaluation": evaluation})
    project.run()
    first = project.latest

    # Within a sentence: what is beside it decides how its ends are cut into tokens.
    ids = load_vocabulary().encode(SECRET)[2:-2]
    text, tokens = forms_of(SECRET, ids)[:3], forms_of("", ids)[1:]
    held = Counter(_kind(place) for place in places_of(project.workspace, [*text, *tokens]))
    assert set(held) >= {
        "CorpusGen/examples",
        "StatisticsGen/statistics",
        "Tokenizer/tokens",
        "Evaluator/evaluation",
        "shards",
    }, held

    done = project.call("erase", "--purge", *(story.stem for story in stories))
    assert done.returncode == 0, done.stderr
    assert places_of(project.workspace, [*text, *tokens]) == []
    states = project.run()
    assert states["CorpusGen"] == states["Trainer"] == "run"
    assert project.latest != first
    assert places_of(project.workspace, [*text, *tokens]) == []

    # What was pushed holds no text, and is signed as it was.
    done = project.call("lineage", "verify", first, "--key", str(public))
    assert "signature: valid" in done.stdout, done.stdout
    assert "erased by a purge" in done.stdout
    dossiers = [
        path for path in (project.workspace / "erasures").iterdir() if path.suffix == ".json"
    ]
    assert len(dossiers) == len(stories)


def _kind(place: str) -> str:
    match = re.match(r"artifacts/(\w+/\w+)/", place)
    return match[1] if match else place.split("/")[0]
