"""One thing is changed at a time: which nodes run again, and why. Nothing stale is reused, nothing runs in vain.

What nodes make follows from their keys here, so everything below a node that runs has another input; where a change
must not reach so far, the results are said to be equal.
"""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pipeline.code_snapshot import CPU_LOCK, PACKAGES, read_snapshot
from pipeline.commands.plan import why
from pipeline.nodes import NODE_NAMES, node_table
from pipeline.planning import plan
from pipeline.runner import PipelineRun
from pipeline.selection import Selection
from tests.conftest import ROOT
from tests.pipeline.launches import Launches
from tests.pipeline.mortal_runs import content_of

ALL = set(NODE_NAMES)
READING = ALL - {"ImportSchemaGen", "BaseModel"}
TOKENS = {"Tokenizer", "Trainer", "Evaluator", "Attest", "Pusher"}
TRAINING = TOKENS - {"Tokenizer"}
SCORING = TRAINING - {"Trainer"}
CONFIG = {
    "corpus": {"task": "text", "path": "corpus"},
    "validation": {"schema": "schema.pbtxt"},
    "tokens": {"vocabulary": "vocabulary"},
    "model": {"base": "base"},
    "evaluation": {"not_worse": {"perplexity": 0.02}},
}


class Workspace(Launches):
    """A project on a copy of the code, in which what a node makes follows from its key."""

    def __init__(self, folder: Path, code: Path) -> None:
        super().__init__(folder / "pipeline.yaml")
        self.folder, self.code = folder, code
        self.edits = {name: lambda name=name: self._make(name) for name in NODE_NAMES}  # type: ignore[misc]
        # Nodes whose results stay what they were, whatever their key.
        self.equal: set[str] = set()

    def new(self, run_id: str, *overrides: str) -> PipelineRun:
        run = super().new(run_id, *overrides)
        run.world._code = read_snapshot(self.code)
        return run

    def go(self, *overrides: str) -> set[str]:
        """Run what is out of date; returns the nodes that ran, which the plan has named."""
        run = self.new(f"run-{os.urandom(4).hex()}", *overrides)
        run.world.code.write(self.folder / "workspace" / "code")
        try:
            run.run(Selection())
        finally:
            run.close()
        ran, _ = set(self.launched), self.launched.clear()
        return ran

    def why(self, node: str, *overrides: str) -> str:
        """Why the plan runs a node."""
        run = self.new("look", *overrides)
        try:
            steps = plan(Selection().scope(node_table(run.loaded.config)), run.world)
            return next(why(step) for step in steps if step.node.name == node)
        finally:
            run.close()

    def _make(self, node: str) -> None:
        key = self.requests[node].key
        self.results[node] = (
            self.artifact(node).read_text() if node in self.equal else content_of(node, key)
        )

    def artifact(self, node: str) -> Path:
        """The file of the first output of a node."""
        return next((self.folder / "workspace" / "artifacts" / node).rglob("result"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project in which everything has run once, and the code that it ran on."""
    folder = tmp_path_factory.mktemp("template")
    for package in (*PACKAGES, "requirements"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / "code" / package, ignore=ignored)
    project = folder / "project"
    texts = {
        "corpus/one.txt": "Some prose.\n",
        "corpus/two.txt": "More prose.\n",
        "schema.pbtxt": "feature { name: 'id' }\n",
        "base/hparams.json": "{}",
        "vocabulary/encoder.json": "{}",
        "vocabulary/vocab.bpe": "#version: 0.2\n",
        "pipeline.yaml": yaml.safe_dump(CONFIG),
    }
    for name, text in texts.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    assert Workspace(project, folder / "code").go() == ALL
    return folder


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    """A copy of the project and of its code."""
    shutil.copytree(template, tmp_path / "copy", symlinks=True)
    return Workspace(tmp_path / "copy" / "project", tmp_path / "copy" / "code")


@dataclass(frozen=True)
class Change:
    """One change, the nodes that it reaches, and why the first of them runs.

    equal: nodes that make of it what they made before. overrides: of the configuration, in place of an edit.
    """

    name: str
    do: Callable[[Workspace], object]
    runs: set[str]
    why: str = ""
    equal: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


def nothing(workspace: Workspace) -> None: ...


def parameter(override: str, runs: set[str], was: str) -> Change:
    key, value = override.split("=")
    why = f"params: {key}: {was} -> {value}" if runs else ""
    return Change(override, nothing, runs, why, overrides=(override,))


def written(name: str, text: str) -> Callable[[Workspace], object]:
    """Writes a file of the project."""

    def write(workspace: Workspace) -> None:
        path = workspace.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def edited(name: str, before: str, after: str) -> Callable[[Workspace], object]:
    """Edits a file of the code."""

    def edit(workspace: Workspace) -> None:
        path = workspace.code / name
        text = path.read_text()
        assert before in text, f"{name} has no {before!r}"
        path.write_text(text.replace(before, after, 1))

    return edit


def unnoticed(workspace: Workspace) -> None:
    """A byte with equal size and times."""
    path = workspace.folder / "corpus" / "one.txt"
    before = path.stat()
    path.write_text("Some verse.\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def set_back(workspace: Workspace) -> None:
    """What is written while the clock is behind."""
    path = workspace.folder / "corpus" / "one.txt"
    path.write_text("Older prose.\n")
    os.utime(path, (10.0, 10.0))


def linked(workspace: Workspace) -> None:
    """A link in place of a file, to the same content."""
    one = workspace.folder / "corpus" / "one.txt"
    one.rename(one.with_name(".kept"))
    one.symlink_to(".kept")


def damaged(node: str, text: str | None) -> Callable[[Workspace], object]:
    """A file of an output has other bytes, or is gone."""

    def damage(workspace: Workspace) -> None:
        path = workspace.artifact(node)
        path.unlink()
        if text is not None:
            path.write_text(text)

    return damage


def moved(workspace: Workspace) -> None:
    to = workspace.folder.with_name("moved elsewhere, ähnlich")
    workspace.folder.rename(to)
    workspace.folder, workspace.config_file = to, to / "pipeline.yaml"


def unpublished(workspace: Workspace) -> None:
    (version,) = (workspace.folder / "workspace" / "serving").glob("[0-9]*")
    shutil.rmtree(version)


def newly_locked(workspace: Workspace) -> None:
    lock = workspace.code / CPU_LOCK
    lock.write_text(re.sub(r"^numpy==\S+", "numpy==9.9", lock.read_text(), flags=re.MULTILINE))


CHANGES = [
    Change("nothing", nothing, set()),
    Change("touch", lambda w: os.utime(w.folder / "corpus" / "one.txt"), set()),
    Change("equal size and mtime", unnoticed, READING, "data: corpus changed: 1 changed (one.txt)"),
    Change("clock set back", set_back, READING, "data: corpus changed: 1 changed (one.txt)"),
    Change(
        "file added",
        written("corpus/three.txt", "New.\n"),
        READING,
        "data: corpus changed: 1 added (three.txt)",
    ),
    Change(
        "upper-case extension",
        written("corpus/THREE.TXT", "New.\n"),
        READING,
        "data: corpus changed: 1 added (THREE.TXT)",
    ),
    Change(
        "file removed",
        lambda w: (w.folder / "corpus" / "two.txt").unlink(),
        READING,
        "data: corpus changed: 1 removed (two.txt)",
    ),
    Change(
        "file renamed",
        lambda w: (w.folder / "corpus" / "two.txt").rename(w.folder / "corpus" / "2.txt"),
        READING,
        "data: corpus changed: 1 renamed (two.txt -> 2.txt)",
    ),
    Change("hidden file", written("corpus/.three.txt", "New.\n"), set()),
    Change("link to the same content", linked, set()),
    Change(
        "data with the same records",
        written("corpus/two.txt", "More  prose.\n"),
        {"CorpusGen"},
        "data: corpus changed: 1 changed (two.txt)",
        equal=("CorpusGen",),
    ),
    parameter("seed=5", READING, "1"),
    parameter("corpus.max_dropped_fraction=0.5", READING, "0.01"),
    parameter("tokens.sequence_length=64", TOKENS, "512"),
    parameter("training.steps=7", TRAINING, "None"),
    parameter("training.log_every=7", set(), ""),
    parameter("generation.top_p=0.5", SCORING, "0.9"),
    parameter("evaluation.max_records=3", SCORING, "32"),
    parameter("name=other", set(), ""),
    Change(
        "configuration laid out anew",
        written("pipeline.yaml", f"# a comment\n{yaml.safe_dump(CONFIG, default_flow_style=True)}"),
        set(),
    ),
    Change(
        "code of a task",
        edited("preprocessing/tasks/text.py", "return ", "return None or "),
        READING,
        "code: preprocessing/tasks/text.py changed: ",
    ),
    Change(
        "code of rows",
        edited("preprocessing/tokens/packing.py", "return ", "return None or "),
        TOKENS,
        "code: preprocessing/tokens/packing.py changed: ",
    ),
    Change(
        "code of the model",
        edited("trainer/gpt2.py", "return ", "return None or "),
        TRAINING,
        "code: trainer/gpt2.py changed: ",
    ),
    Change(
        "code of a metric",
        edited("components/metrics/rouge.py", "return ", "return None or "),
        SCORING,
        "code: components/metrics/rouge.py changed: ",
    ),
    Change(
        "code of what is served",
        edited("serving/versions.py", "return ", "return None or "),
        {"Pusher"},
        "code: serving/versions.py changed: ",
    ),
    Change(
        "code of the pipeline", edited("pipeline/runner.py", "return ", "return None or "), set()
    ),
    Change(
        "a function that no node reaches",
        edited(
            "preprocessing/base/import_walk.py",
            "def code_digest",
            "def nobody(): ...\n\n\ndef code_digest",
        ),
        set(),
    ),
    Change("a comment", edited("trainer/gpt2.py", "\nimport", "\n# what it needs\nimport"), set()),
    Change("a docstring", edited("trainer/gpt2.py", '"""', '"""Here: '), set()),
    Change(
        "a template",
        edited("preprocessing/templates/corpus.html", "<h1", "<h1 "),
        {"CorpusGen"},
        "code: preprocessing/templates/corpus.html changed",
        equal=("CorpusGen",),
    ),
    Change(
        "a package of the lock",
        newly_locked,
        ALL,
        "environment: requirements/cpu.lock changed: numpy ",
    ),
    Change(
        "bytes of an artifact", damaged("Tokenizer", "same length?"), {"Tokenizer"}, "corrupt: "
    ),
    Change("an artifact cut short", damaged("Trainer", ""), {"Trainer"}, "corrupt: "),
    Change("an artifact deleted", damaged("Evaluator", None), {"Evaluator"}, "missing: "),
    Change(
        "a file beside an artifact",
        lambda w: (w.artifact("Tokenizer").parent / "foreign").write_text("x"),
        {"Tokenizer"},
        "corrupt: ",
    ),
    Change("a pushed version deleted", unpublished, {"Pusher"}, "missing: "),
    Change(
        "the store deleted",
        lambda w: (w.folder / "workspace" / "metadata.sqlite").unlink(),
        ALL,
        "first: it has never completed",
    ),
    Change(
        "the memory of digests deleted",
        lambda w: (w.folder / "workspace" / "file_digests.sqlite").unlink(),
        set(),
    ),
    Change("the workspace moved", moved, set()),
    Change(
        "the schema",
        written("schema.pbtxt", "feature { name: 'source' }\n"),
        {"ImportSchemaGen", "ExampleValidator"} | TOKENS,
        "data: schema changed: 1 changed (schema.pbtxt)",
    ),
    Change(
        "a byte of the base model",
        written("base/hparams.json", "{ }"),
        {"BaseModel"} | TRAINING,
        "data: base_model changed: 1 changed (hparams.json)",
    ),
    Change(
        "a file of the vocabulary",
        written("vocabulary/vocab.bpe", "#version: 0.2\na b\n"),
        {"BaseModel"} | TOKENS,
        "data: vocabulary changed",
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=[change.name for change in CHANGES])
def test_runs_what_it_reaches_and_says_why(change: Change, workspace: Workspace) -> None:
    change.do(workspace)
    workspace.equal = set(change.equal)
    if change.runs:
        first = next(name for name in NODE_NAMES if name in change.runs)
        assert workspace.why(first, *change.overrides).startswith(change.why)
    assert workspace.go(*change.overrides) == change.runs
    assert workspace.go(*change.overrides) == set()


def test_the_environment_of_the_process_reaches_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMETHING", "else")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.delenv("HOME", raising=False)
    assert workspace.go() == set()


def test_a_champion_that_was_pushed_meanwhile_is_compared_with(workspace: Workspace) -> None:
    workspace.blessed = False
    refused = "training.steps=7"
    assert workspace.go(refused) == TRAINING
    workspace.blessed = True
    assert workspace.go("training.steps=8") == TRAINING
    assert re.fullmatch(
        r"data: champion changed; upstream: input model changed "
        r"\(as in run run-\w+, but data: champion changed\)",
        workspace.why("Evaluator", refused),
    )
    assert workspace.go(refused) == SCORING


def test_going_back_runs_nothing(workspace: Workspace) -> None:
    assert workspace.go("training.steps=7") == TRAINING
    assert workspace.go() == set()
