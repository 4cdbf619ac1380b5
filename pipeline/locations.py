"""Where the parts of a configuration lie on this machine."""

from pathlib import Path

from pipeline.code_snapshot import PROJECT_ROOT
from pipeline.config import LoadedConfig
from preprocessing.tokens.vocabulary_files import SHIPPED


def corpus_path(loaded: LoadedConfig) -> Path:
    """The corpus."""
    return loaded.path(loaded.config.corpus.path)


def schema_path(loaded: LoadedConfig) -> Path:
    """The data schema in force: the user's, or the task's own."""
    chosen = loaded.config.validation.schema
    if chosen is not None:
        return loaded.path(chosen)
    return PROJECT_ROOT / "components" / "schemas" / f"{loaded.config.corpus.task}.pbtxt"


def base_model_path(loaded: LoadedConfig) -> Path | None:
    """The checkpoint to start from, if there is one."""
    base = loaded.config.model.base
    return None if base is None else loaded.path(base)


def vocabulary(loaded: LoadedConfig) -> str:
    """The name of a vocabulary that ships, or the absolute path of a folder."""
    name = loaded.config.tokens.vocabulary
    return name if name in SHIPPED else str(loaded.path(name))
