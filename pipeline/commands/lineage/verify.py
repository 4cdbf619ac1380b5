"""`gpt2-tfx lineage verify`: whether every file behind a model is what was recorded."""

import argparse
from dataclasses import asdict

from pipeline import lineage
from pipeline.claims.chain import ClaimsState, check_claims
from pipeline.cli import print_json
from pipeline.lineage.workspace import LineageWorkspace
from pipeline.manifests import content_root
from pipeline.signing import SignatureState, check_signature


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print what differs; the status is 1 where anything does, or signature or claims are refused."""
    folder, records = place.copied(arguments.model), None
    if folder is not None:
        found = lineage.verify_copy(folder)
    else:
        pushed = place.pushed(arguments.model)
        folder = content_root(pushed)
        found = place.verify(arguments.model)
        records = lineage.push_records(place.store, str(pushed.properties["pushed_version"]))
    signature = check_signature(folder, arguments.key)
    claims = check_claims(folder, arguments.key, records)
    ok = found.ok and "refused" not in (signature.state, claims.state)
    if arguments.json:
        print_json(
            {
                "ok": ok,
                "checked": found.checked,
                "mismatches": [asdict(mismatch) for mismatch in found.mismatches],
                "collected": list(found.collected),
                "erased": list(found.erased),
                "unknown": list(found.unknown),
                "signature": asdict(signature),
                "claims": asdict(claims),
            }
        )
    else:
        print(as_text(found, signature, claims))
    return 0 if ok else 1


def as_text(found: lineage.Verification, signature: SignatureState, claims: ClaimsState) -> str:
    """The result for people."""
    lines = [
        f"{mismatch.path}: {_what(mismatch.expected, mismatch.actual)}"
        for mismatch in found.mismatches
    ]
    lines += [f"{uri}: collected by gc, so it was not checked" for uri in found.collected]
    lines += [f"{uri}: erased by a purge, so it was not checked" for uri in found.erased]
    lines += [f"not checked: {text}" for text in found.unknown]
    for what, checked in (("signature", signature), ("claims", claims)):
        if checked.state != "none":
            lines.append(f"{what}: {checked.state}{checked.reason and f': {checked.reason}'}")
    lines += [f"  {kind}" for kind in claims.types]
    lines.append(
        f"{found.checked} files checked, "
        + ("all are what was recorded" if found.ok else f"{len(found.mismatches)} are not")
    )
    return "\n".join(lines)


def _what(expected: str, actual: str) -> str:
    if not actual:
        return f"missing; {expected} was recorded"
    if not expected:
        return f"does not belong there ({actual})"
    return f"{actual}, where {expected} was recorded"
