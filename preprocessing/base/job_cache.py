"""What jobs remember for later ones, in one folder of this machine.

    file_digests.sqlite   sha256 of files by their stat (see `file_digests`)
    corpus/               what the last corpus job has read of each portion (see `corpus.memory`)
    shards/<digest>/      tokenised shards (see `tokens.shard_store`)

It decides how much a job has to do, never what comes out: without it, everything is made anew.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from preprocessing.base.file_digests import FileDigests

# The environment variable that names the folder to the nodes. Not a parameter: a path among the
# parameters of a node would change its key.
JOB_CACHE_VARIABLE = "GPT2_TFX_JOB_CACHE"


@dataclass(frozen=True)
class JobCache:
    """The folder by what is in it."""

    folder: Path

    @property
    def corpus(self) -> Path:
        """The folder of the corpus job's memory."""
        return self.folder / "corpus"

    @property
    def shards(self) -> Path:
        """The folder of the tokenised shards."""
        return self.folder / "shards"

    def open_digests(self, writes: bool = True) -> FileDigests:
        """The digests of files, which the caller closes."""
        return FileDigests(self.folder / "file_digests.sqlite", writes)


def job_cache() -> JobCache | None:
    """The cache that the environment names; None if it names none."""
    folder = os.environ.get(JOB_CACHE_VARIABLE)
    return None if folder is None else JobCache(Path(folder))
