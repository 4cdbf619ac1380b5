"""Content from outside the store that nodes read: where it lies, and how it enters their keys."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline import locations
from pipeline.config import LoadedConfig
from preprocessing.base.file_digests import FileDigests
from preprocessing.tokens.vocabulary_files import VOCABULARY_DIGEST_VARIABLE, vocabulary_digest


def _digest_of_vocabulary(digests: FileDigests, place: str) -> str:
    return vocabulary_digest(place, digests.file)


@dataclass(frozen=True)
class External:
    """One kind of content from outside.

    keys: the configuration keys that say where it is; the first names a path.
    locate: where a configuration has it: a path, or the name of one that ships; None where it has none.
    digest: the digest of the content at a place; None where it is that of all files there, which are looked at before
        and after a node reads them.
    digest_variable: the environment variable by which who reads the content knows the digest that it must have.
    """

    keys: tuple[str, ...]
    locate: Callable[[LoadedConfig], str | None]
    digest: Callable[[FileDigests, str], str] | None = None
    digest_variable: str | None = None

    @property
    def is_tree(self) -> bool:
        """Whether the content is whatever files there are at its place."""
        return self.digest is None


CORPUS = External(("corpus.path",), lambda loaded: str(locations.corpus_path(loaded)))
SCHEMA = External(
    ("validation.schema", "corpus.task"), lambda loaded: str(locations.schema_path(loaded))
)
BASE_MODEL = External(
    ("model.base",),
    lambda loaded: None if (path := locations.base_model_path(loaded)) is None else str(path),
)
VOCABULARY = External(
    ("tokens.vocabulary",), locations.vocabulary, _digest_of_vocabulary, VOCABULARY_DIGEST_VARIABLE
)
