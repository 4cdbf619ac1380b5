"""Tokenised shards kept for later jobs, each under the digest of all that its rows depend on.

    <store>/<digest>/rows.tfrecord  the rows, as the Tokenizer writes them
    <store>/<digest>/entry          their sha256 and their statistics as JSON, sealed (see `base.job_cache`)

A path plays no part in the digest, so a store may move with its workspace.

An entry is written last, so a shard is there whole or not at all; one that is damaged counts as
not there, and is made anew. Rows are copied, never linked: through a hard link, a change to an
artifact would change the store and every other artifact that has the rows.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from preprocessing.base import digests
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.job_cache import (
    copy_file,
    copy_verified,
    read_sealed,
    recipe_digest,
    write_sealed,
)
from preprocessing.options import TokenOptions
from preprocessing.tokens.statistics import TokenStatistics

_ROWS_FILE = "rows.tfrecord"
_ENTRY_FILE = "entry"


def shard_recipe(options: TokenOptions, vocabulary_digest: str, module: str) -> str:
    """The digest of all that a shard's rows depend on beside its records.

    vocabulary_digest: of the vocabulary's content; its name and path do not count. module: that of this package which
    tokenises a shard.
    """
    effective = asdict(options) | {"vocabulary": vocabulary_digest}
    return recipe_digest(effective, module, ["tiktoken"])


def shard_digest(recipe: str, records_digest: str) -> str:
    """The digest of one shard's inputs. records_digest: sha256 of the file of its records."""
    return digests.combine({"recipe": recipe, "records": records_digest})


@dataclass(frozen=True)
class ShardStore:
    """A folder of tokenised shards on this machine."""

    folder: Path

    def fetch(self, digest: str, rows: Path, file_digests: FileDigests) -> TokenStatistics | None:
        """Copy the rows stored under `digest` to the file `rows`; returns their statistics.

        None, and no file, if they are not stored or not what was stored.
        """
        try:
            entry = json.loads(read_sealed(self._entry(digest)))
            if entry["inputs"] != digest:
                return None
            copy_verified(self.folder / digest / _ROWS_FILE, rows, entry["rows"], file_digests)
        except OSError:
            return None
        return TokenStatistics.of(entry["statistics"])

    def keep(self, digest: str, rows: Path, statistics: TokenStatistics) -> None:
        """Store a copy of the file `rows` and its statistics under `digest`."""
        copy_file(rows, self.folder / digest / _ROWS_FILE)
        entry = {
            "inputs": digest,
            "rows": digests.sha256_file(rows),
            "statistics": asdict(statistics),
        }
        write_sealed(self._entry(digest), json.dumps(entry, ensure_ascii=False).encode())

    def _entry(self, digest: str) -> str:
        return str(self.folder / digest / _ENTRY_FILE)
