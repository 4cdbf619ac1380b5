"""SHA-256 digests in lower-case hexadecimal: of bytes, text, files, JSON values, sets of these."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def sha256_bytes(data: bytes) -> str:
    """Digest of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_text(text: str) -> str:
    """Digest of `text` in UTF-8."""
    return sha256_bytes(text.encode())


def sha256_file(path: str | Path) -> str:
    """Digest of a file's bytes, read as a stream. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Digest of a JSON value's canonical text, so that key order and layout do not count."""
    return sha256_text(canonical_json(value))


def canonical_json(value: Any) -> str:
    """The JSON text of `value` with sorted keys and no spaces, non-ASCII characters as they are.

    >>> canonical_json({"b": [1, "é"], "a": None})
    '{"a":null,"b":[1,"é"]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def combine(digests: Mapping[str, str]) -> str:
    """One digest of many named ones, whatever their order: over sorted `name NUL digest LF`."""
    lines = (f"{name}\0{digest}\n" for name, digest in sorted(digests.items()))
    return sha256_text("".join(lines))
