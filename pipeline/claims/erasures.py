"""The claims about erasures: which versions were trained on records that were erased since, and what replaces them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.claims.chain import append_claims, read_claims
from pipeline.claims.envelopes import RefusedError
from pipeline.claims.predicates import ERASURE_TYPE, erasure
from pipeline.signing import Signer
from preprocessing.base.digests import sha256_bytes
from serving.versions import CLAIMS, Versions


def claim_erasures(workspace: Path, signer: Signer, say: Callable[[str], None]) -> None:
    """Append to the claims of each version what the dossiers of the workspace say of it, each dossier once."""
    versions = Versions(workspace / "serving")
    stated: dict[str, list[Mapping[str, Any]]] = {}
    for path in sorted((workspace / "erasures").glob("*.json")):
        try:
            for version, predicate in _predicates(path.read_bytes()):
                stated.setdefault(version, []).append(predicate)
        except (ValueError, LookupError, TypeError):
            say(
                f"{path}: not a dossier, so no claim is made of it; remove it, and a run writes it anew"
            )
    for version, predicates in stated.items():
        folder = versions.path(version)
        if not (folder / CLAIMS).is_file():
            continue
        try:
            known = [
                claim.predicate["dossier"]
                for claim in read_claims(folder)
                if claim.type == ERASURE_TYPE
            ]
            new = [each for each in predicates if each["dossier"] not in known]
            if new:
                append_claims(folder, signer, [(ERASURE_TYPE, each) for each in new])
        except (RefusedError, LookupError) as error:
            say(f"version {version}: no claim about an erasure is added: {error}")


def _predicates(content: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Version -> what a dossier says of it."""
    dossier, digest = json.loads(content), sha256_bytes(content)
    return [
        (pushed["version"], erasure(dossier, model, digest))
        for model in dossier["models"]
        for pushed in model["pushed"]
    ]
