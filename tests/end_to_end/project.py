"""A user's folder for a test: a configuration, a small corpus, and the command line run in a process."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.pipeline.schemas import document_of

ROOT = Path(__file__).resolve().parents[2]

# Small enough for seconds, with GPT-2's real vocabulary.
SMALL: dict[str, Any] = {
    "tokens": {"sequence_length": 128},
    "model": {"layers": 1, "heads": 2, "width": 16, "context": 128},
    "training": {"steps": 6, "batch_size": 2, "learning_rate": 0.01, "warmup_steps": 1},
    "generation": {"max_new_tokens": 8},
    "evaluation": {"not_worse": {"perplexity": 0.02}},
}


@dataclass
class Project:
    """A folder with `pipeline.yaml`; its workspace lies beneath it."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    # Where `python -m pipeline` takes its code from.
    code: Path = ROOT
    # What stands before a command, such as one that runs it as somebody else.
    before: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure(**{**SMALL, **self.config})

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def configure(self, **sections: Any) -> None:
        """Replace sections of the configuration."""
        self.config = {**self.config, **sections}
        (self.folder / "pipeline.yaml").write_text(yaml.safe_dump(self.config))

    def command(self, *arguments: str) -> list[str]:
        config = str(self.folder / "pipeline.yaml")
        return [*self.before, sys.executable, "-m", "pipeline", "--config", config, *arguments]

    def call(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line, for a user without a home; nothing is asserted."""
        environment = {**os.environ, "PYTHONPATH": str(self.code)}
        environment.pop("HOME", None)
        return subprocess.run(
            self.command(*arguments),
            cwd=self.code,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=500,
            env=environment,
        )

    def run(self, *arguments: str) -> dict[str, str]:
        """`run` to success; returns node -> state of that run."""
        done = self.call(*arguments, "run")
        assert done.returncode == 0, done.stderr
        return self.last_run()

    def last_run(self) -> dict[str, str]:
        """Node -> state of the newest run, as `status --json` says."""
        newest = self.json("status")["runs"][0]
        return {node["node"]: node["state"] for node in newest["nodes"]}

    def json(self, *arguments: str) -> Any:
        """The JSON document of a command, which is one of its schema."""
        done = self.call(*arguments, "--json")
        assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
        name = "lineage-show" if arguments[:2] == ("lineage", "show") else arguments[0]
        return document_of(name, done.stdout)

    @property
    def latest(self) -> str:
        """The version that serving points at."""
        return os.readlink(self.workspace / "serving" / "latest")


def copy_stories(target: Path, train: int = 12, validation: int = 3, test: int = 3) -> Path:
    """A part of the stories that ship, in the same layout."""
    source = ROOT / "data" / "cnn_dailymail"
    (target / "url_lists").mkdir(parents=True)

    for name, count in (("train", train), ("val", validation), ("test", test)):
        urls = (source / "url_lists" / f"all_{name}.txt").read_text().split()[:count]
        (target / "url_lists" / f"all_{name}.txt").write_text("".join(f"{url}\n" for url in urls))
        for url in urls:
            stem = hashlib.sha1(url.encode()).hexdigest()
            (story,) = source.glob(f"*/stories/{stem}.story")
            copied = target / story.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(story, copied)
    return target


def any_story(corpus: Path, split: str = "train") -> Path:
    """The file of the first url of a split."""

    url = (corpus / "url_lists" / f"all_{split}.txt").read_text().split()[0]
    (story,) = corpus.glob(f"*/stories/{hashlib.sha1(url.encode()).hexdigest()}.story")
    return story
