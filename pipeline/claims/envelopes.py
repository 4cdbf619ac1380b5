"""DSSE envelopes (https://github.com/secure-systems-lab/dsse) around in-toto statements, with the keys of `model.sig`.

Our own and not a library's, as the whole of it is one line that is signed; the signature itself is `cryptography`'s.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from preprocessing.base.json_text import parse_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class RefusedError(Exception):
    """What a signed statement is refused for, in words."""


def seal(payload: bytes, key: "ec.EllipticCurvePrivateKey") -> dict[str, Any]:
    """An envelope with one signature."""
    signature = key.sign(_signed(payload), _algorithm(key.curve.key_size))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}
        ],
    }


def payload_of(envelope: Any) -> bytes:
    """What an envelope holds, whoever has signed it. Raises RefusedError where it is no envelope of a statement."""
    try:
        kind, payload = (
            envelope["payloadType"],
            base64.b64decode(envelope["payload"], validate=True),
        )
    except (LookupError, TypeError, ValueError):
        raise RefusedError("not a DSSE envelope") from None
    if kind != PAYLOAD_TYPE:
        raise RefusedError(f"its payload is {kind!r} and no in-toto statement")
    return payload


def statement_of(payload: bytes) -> dict[str, Any]:
    """The in-toto Statement v1 with one subject in a payload. Raises RefusedError where there is none."""
    try:
        statement = parse_json(payload)
        (subject,) = statement["subject"]
        holds = (
            statement["_type"] == "https://in-toto.io/Statement/v1"
            and isinstance(subject["digest"]["sha256"], str)
            and isinstance(statement["predicateType"], str)
            and isinstance(statement["predicate"], dict)
        )
    except (LookupError, TypeError, ValueError):
        holds = False
    if not holds:
        raise RefusedError("not an in-toto Statement v1 about one model")
    return dict(statement)


def subject_digest(statement: Mapping[str, Any]) -> str:
    """The root digest of the model that a statement is about."""
    return str(statement["subject"][0]["digest"]["sha256"])


def check_signed(envelope: Mapping[str, Any], key: "ec.EllipticCurvePublicKey") -> None:
    """Raises RefusedError where the key has signed no signature of an envelope."""
    from cryptography.exceptions import InvalidSignature

    payload, algorithm = payload_of(envelope), _algorithm(key.curve.key_size)
    signatures = envelope.get("signatures")
    for each in signatures if isinstance(signatures, list) else []:
        try:
            key.verify(base64.b64decode(each["sig"]), _signed(payload), algorithm)
        except (InvalidSignature, LookupError, TypeError, binascii.Error):
            continue
        return
    raise RefusedError("the key has not signed what it says")


def key_id(key: "ec.EllipticCurvePublicKey") -> str:
    """The name of a key, by which `model.sig` names it too: SHA-256 of its PEM."""
    from cryptography.hazmat.primitives import serialization

    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(pem).hexdigest()


def _signed(payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _algorithm(key_size: int) -> "ec.ECDSA":
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    # Those that OpenSSF Model Signing pairs with the curves.
    found = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    return ec.ECDSA(found[key_size])
