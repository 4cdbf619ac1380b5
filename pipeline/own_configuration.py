"""A `pipeline.yaml` for one's own corpus: few keys, each with the comment that all configurations have."""

import textwrap
from pathlib import Path

import yaml

from pipeline.config_reference import commented
from preprocessing.tasks.task import Keys, Task

_HEAD = """\
# Fine-tunes GPT-2 on your own corpus; `gpt2-tfx plan` says what a run would do.
# As it stands it trains a tiny model from random weights, to see all of it work within minutes. For a model of use:
# gpt2-tfx download 124M, and here size: 124M, base: models/124M, sequence_length: 1024, learning_rate: 0.0001, and more
# steps. A model that starts from random weights learns the language too with loss_on: all.
# Every key has a default; docs/configuration.md lists them all.
"""

_NO_PATH = "Before the first run, let corpus.path name your corpus, a folder or a file, absolute or from here: {}."


def own_configuration(task: Task, path: str | None, keys: Keys, workspace: str) -> str:
    """The text of the file.

    path: of the corpus; None leaves a name to be replaced. keys: what the corpus needs beside. workspace: the folder of
    all state.
    """
    values = {
        "workspace": workspace,
        "corpus": {
            "task": task.name,
            "path": "corpus" if path is None else path,
            **keys,
            "loss_on": task.loss_on,
        },
        "tokens": {"sequence_length": 512},
        "model": {"size": "tiny", "base": None},
        "training": {"steps": 200, "batch_size": 4, "learning_rate": 0.002, "warmup_steps": 20},
        "generation": {"max_new_tokens": task.new_tokens, "top_p": 0.9},
        "evaluation": {"split": "test"},
    }
    to_do = [] if path is not None else textwrap.wrap(_NO_PATH.format(task.corpora), 115)
    head = _HEAD + "".join(f"# {line}\n" for line in to_do)
    return commented(head + yaml.safe_dump(values, sort_keys=False))


def path_from(folder: Path, corpus: Path) -> str:
    """How a configuration in a folder names a corpus: relative where it lies beneath, else absolute; both absolute.

    >>> path_from(Path("/a"), Path("/a/b/c")), path_from(Path("/a"), Path("/b")), path_from(Path("/a"), Path("/a/~b"))
    ('b/c', '/b', './~b')
    """
    if not corpus.is_relative_to(folder):
        return str(corpus)
    relative = corpus.relative_to(folder).as_posix()
    # A name that begins so would be that of a user's home.
    return f"./{relative}" if relative.startswith("~") else relative


def workspace_beside(folder: Path, corpus: Path) -> str:
    """The workspace of a configuration in a folder: a hidden one where another would be of the corpus; both absolute.

    >>> workspace_beside(Path("/a"), Path("/a/b")), workspace_beside(Path("/a"), Path("/a"))
    ('workspace', '.workspace')
    """
    return ".workspace" if (folder / "workspace").is_relative_to(corpus) else "workspace"
