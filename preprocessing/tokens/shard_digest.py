"""What the rows of a shard depend on, as one digest: the name under which they are stored.

    recipe: token options, what over-long records come to, vocabulary, code, tiktoken's version
    digest: the recipe and the bytes of the shard's records

A path plays no part, so a store may move with its workspace.
"""

import importlib.metadata
from dataclasses import asdict

from preprocessing.base import digests
from preprocessing.base.import_walk import code_digest
from preprocessing.options import OverLong, TokenOptions


def recipe_digest(
    options: TokenOptions, over_long: OverLong, vocabulary_digest: str, module: str
) -> str:
    """The digest of all that a shard's rows depend on beside its records.

    Args:
        over_long: what `options.over_long` comes to for the task.
        vocabulary_digest: of the vocabulary's content; its name and path do not count.
        module: the module of this package that tokenises a shard.
    """
    effective = asdict(options) | {"vocabulary": vocabulary_digest, "over_long": over_long}
    return digests.combine(
        {
            "options": digests.sha256_json(effective),
            "code": code_digest(module),
            "tiktoken": digests.sha256_text(importlib.metadata.version("tiktoken")),
        }
    )


def shard_digest(recipe: str, records_digest: str) -> str:
    """The digest of one shard's inputs. records_digest: sha256 of the file of its records."""
    return digests.combine({"recipe": recipe, "records": records_digest})
