"""`claims.jsonl`: an envelope a line, each statement but the first naming the one before it by digest.

So a claim that is left out, put in between, or moved is found, and by the list of the first one those that must be
there are missed. What was added later and stood last can be dropped: nothing after it names it.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.claims.envelopes import (
    RefusedError,
    check_signed,
    payload_of,
    statement_of,
    subject_digest,
)
from pipeline.claims.predicates import signed_record
from pipeline.claims.slsa import PREDICATE_TYPE, statement
from pipeline.signing import Signer, read_public_key, signed_root
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from preprocessing.base.staging import write_whole
from serving.versions import CLAIMS, SIGNATURE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

# The predicate of the first claim, which lists the predicate types that must be there.
FIRST_TYPE = "urn:gpt2-tfx:claims:1"
_NEWEST = 1
# Among the annotations of the subject: the digest of the statement of the line before.
_PREVIOUS = "previousClaim"


@dataclass(frozen=True)
class Claim:
    """A line of the file. payload: the statement's bytes, over which its digest is."""

    envelope: Mapping[str, Any]
    payload: bytes
    statement: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return sha256_bytes(self.payload)

    @property
    def type(self) -> str:
        return str(self.statement["predicateType"])

    @property
    def predicate(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.statement["predicate"]
        return found

    @property
    def previous(self) -> str | None:
        """The digest of the statement before this one; None where it names none."""
        try:
            return str(self.statement["subject"][0]["annotations"][_PREVIOUS]["sha256"])
        except (LookupError, TypeError):
            return None


@dataclass(frozen=True)
class ClaimsState:
    """What is known of a version's claims, and why where they are refused. types: their predicate types, in order."""

    state: Literal["valid", "refused", "not checked", "none"]
    reason: str = ""
    types: tuple[str, ...] = ()


def read_claims(folder: Path) -> list[Claim]:
    """The claims of a version, whoever has signed them. Raises RefusedError where a line is none."""
    claims = []
    for number, line in enumerate((folder / CLAIMS).read_bytes().splitlines(), 1):
        try:
            envelope = parse_json(line)
            payload = payload_of(envelope)
            claims.append(Claim(envelope, payload, statement_of(payload)))
        except (ValueError, RefusedError) as error:
            reason = error if isinstance(error, RefusedError) else "no JSON"
            raise RefusedError(f"claim {number}: {reason}") from None
    return claims


def check_claims(
    folder: Path, public_key: Path | None, records: Collection[str] | None = None
) -> ClaimsState:
    """Whether a version's claims are by a key, about the files that `model.sig` names, in their order, and all there.

    records: the record digests that the store has of pushes of the version, one of which must be the one that was
    signed; None where no store is asked. Raises InputError where the key is none, or the claims are of a newer version.
    """
    if not (folder / CLAIMS).is_file():
        if public_key is None:
            return ClaimsState("none")
        return ClaimsState("refused", f"there is no {CLAIMS}; a run that has the key writes it")
    try:
        claims = read_claims(folder)
        if public_key is None:
            return ClaimsState("not checked", "name the public key with --key to check them")
        check_chain(claims, _root(folder), read_public_key(public_key))
        _check_record(claims, records)
    except RefusedError as error:
        return ClaimsState("refused", str(error))
    return ClaimsState("valid", types=tuple(claim.type for claim in claims))


def check_chain(claims: Sequence[Claim], root: str, key: "ec.EllipticCurvePublicKey") -> None:
    """Raises RefusedError for claims that are not by a key, about a root digest, in order, and all there."""
    before: str | None = None
    for number, claim in enumerate(claims, 1):
        try:
            check_signed(claim.envelope, key)
        except RefusedError as error:
            raise RefusedError(f"claim {number} ({claim.type}): {error}") from None
        if subject_digest(claim.statement) != root:
            raise RefusedError(
                f"claim {number} ({claim.type}): about another model, {subject_digest(claim.statement)}"
            )
        if claim.previous != before:
            raise RefusedError(
                f"claim {number} ({claim.type}): not the one that followed claim {number - 1}: one was left out, put "
                "in between, or moved"
                if before
                else f"claim 1 ({claim.type}): it was not the first"
            )
        before = claim.digest
    present = {claim.type for claim in claims}
    missing = [kind for kind in _required(claims) if kind not in present]
    if missing:
        raise RefusedError(f"dropped: {', '.join(missing)}")


def _check_record(claims: Iterable[Claim], records: Collection[str] | None) -> None:
    for claim in claims:
        signed = signed_record(claim.predicate) if claim.type == PREDICATE_TYPE else None
        if signed and records is not None and signed not in records:
            raise RefusedError(
                f"the metadata store is not what was signed: the record of the push was {signed}, and is "
                f"{', '.join(sorted(records)) or 'none'}"
            )


def append_claims(
    folder: Path, signer: Signer, predicates: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    """Add statements (type and predicate each) behind those that a signed version has, in one step.

    Raises RefusedError where those that are there are not valid claims of the same key.
    """
    root = _root(folder)
    claims = read_claims(folder) if (folder / CLAIMS).exists() else []
    if claims:
        check_chain(claims, root, signer.public_key)
    before = claims[-1].digest if claims else None
    lines = [json.dumps(claim.envelope) for claim in claims]
    for kind, predicate in predicates:
        subject: dict[str, Any] = {"name": folder.name, "digest": {"sha256": root}}
        if before is not None:
            subject["annotations"] = {_PREVIOUS: {"sha256": before}}
        payload = json.dumps(statement(subject, kind, predicate), ensure_ascii=False).encode()
        before = sha256_bytes(payload)
        lines.append(json.dumps(signer.seal(payload)))
    write_whole(folder / CLAIMS, "".join(f"{line}\n" for line in lines).encode())


def _required(claims: Sequence[Claim]) -> list[str]:
    """The types that the first claim lists. Raises InputError where a newer version made it."""
    kind = claims[0].type if claims else ""
    match = re.fullmatch(r"urn:gpt2-tfx:claims:(\d+)", kind)
    if match is None:
        raise RefusedError(f"the first claim is not {FIRST_TYPE}")
    if int(match[1]) > _NEWEST:
        raise InputError(
            f"{CLAIMS}: claims of version {match[1]}, and this version of gpt2-tfx knows up to {_NEWEST}."
        )
    required = claims[0].predicate.get("required")
    if not isinstance(required, list):
        raise RefusedError("the first claim does not list what must be there")
    return required


def _root(folder: Path) -> str:
    """The root digest of the files that were signed."""
    try:
        return signed_root((folder / SIGNATURE).read_bytes())
    except (OSError, LookupError, TypeError, ValueError):
        raise RefusedError(
            f"no {SIGNATURE} that can be read says which files they are about"
        ) from None
