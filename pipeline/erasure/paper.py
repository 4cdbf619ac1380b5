"""Writing a dossier, and a signature of it where the environment has a key that signs."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.signing import Signer
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.staging import write_whole

PREDICATE_TYPE = "urn:gpt2-tfx:erasure-dossier:1"


def write_dossier(path: Path, document: Mapping[str, Any]) -> None:
    """Write a dossier as JSON, and beside it, as `<name>.dsse`, a DSSE envelope that a key has signed it with.

    The envelope is of an in-toto Statement v1 about the bytes of the file, with the dossier itself as its predicate.
    One from before is removed where there is no key now. Raises OSError.
    """
    content = f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode()
    signer, envelope = Signer.of_environment(os.environ), signature_of(path)
    envelope.unlink(missing_ok=True)
    write_whole(path, content)
    if signer is not None:
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": path.name, "digest": {"sha256": sha256_bytes(content)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": document,
        }
        sealed = signer.seal(json.dumps(statement).encode())
        write_whole(envelope, f"{json.dumps(sealed, indent=1)}\n".encode())


def signature_of(path: Path) -> Path:
    """Where the signature of a dossier lies, be it there or not."""
    return path.with_name(f"{path.name}.dsse")
