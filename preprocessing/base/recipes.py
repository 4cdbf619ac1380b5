"""Recipes: what results follow from beside their inputs."""

import importlib.metadata
from collections.abc import Iterable
from typing import Any

from preprocessing.base.digests import combine, sha256_json, sha256_text
from preprocessing.base.import_walk import code_digest


def recipe_digest(options: Any, module: str, libraries: Iterable[str]) -> str:
    """The digest of options (a JSON value), of what a module of this package reaches, and of libraries' versions."""
    return combine(
        {
            "options": sha256_json(options),
            "code": code_digest(module),
            **{name: sha256_text(importlib.metadata.version(name)) for name in libraries},
        }
    )
