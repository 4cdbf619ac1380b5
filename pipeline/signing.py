"""`model.sig` of a pushed version: OpenSSF Model Signing 1.0 with an ECDSA key, made and checked offline.

The key that signs comes from the environment alone, as a file's path or as the key itself; it goes into no file, log,
store or process of a node.
"""

import base64
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.claims.envelopes import seal
from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from serving.checksums import files_of_version
from serving.versions import ADDED_LATER, SIGNATURE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

KEY_VARIABLE = "GPT2_TFX_SIGNING_KEY"
# So that appending claims breaks no signature.
_NOT_SIGNED = tuple(sorted(ADDED_LATER))
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


@dataclass(frozen=True)
class SignatureState:
    """What is known of a version's signature, and why where it is refused."""

    state: Literal["valid", "refused", "not checked", "none"]
    reason: str = ""


class Signer:
    """Signs folders and statements with one private key, as PEM of an ECDSA key on P-256, P-384 or P-521."""

    def __init__(self, private_key: bytes) -> None:
        self._private_key = private_key

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Signer | None":
        """The signer whose key the environment names or holds; None without one. Raises InputError for no such key."""
        value = environment.get(KEY_VARIABLE)
        if not value:
            return None
        if value.lstrip().startswith("-----BEGIN"):
            content = value.encode()
        else:
            content = _read(Path(value), f"{KEY_VARIABLE} names a file that cannot be read")
        _private_key(content, KEY_VARIABLE)
        return cls(content)

    @property
    def public_key(self) -> "ec.EllipticCurvePublicKey":
        """The key that checks what this one signs."""
        return _private_key(self._private_key, KEY_VARIABLE).public_key()

    def seal(self, payload: bytes) -> dict[str, Any]:
        """A signed DSSE envelope around the payload of an in-toto statement."""
        return seal(payload, _private_key(self._private_key, KEY_VARIABLE))

    def sign(self, folder: Path) -> bytes:
        """A signature over every file of a folder but those that may be appended."""
        # Only who signs waits 2 s for what this imports.
        from model_signing import hashing, signing

        files = hashing.Config().set_ignored_paths(paths=_NOT_SIGNED, ignore_git_paths=False)
        # The library reads keys from paths, and the key must not lie on a disk.
        key = os.memfd_create("key")
        try:
            os.write(key, self._private_key)
            config = signing.Config().set_hashing_config(files)
            config.use_elliptic_key_signer(private_key=Path(f"/proc/self/fd/{key}"))
            with tempfile.TemporaryDirectory() as place:
                target = Path(place, SIGNATURE)
                config.sign(folder, target)
                return target.read_bytes()
        finally:
            os.close(key)


def signed_files(signature: bytes) -> dict[str, str]:
    """Name -> SHA-256 of the files that a signature is over; whether it is valid is another question."""
    return {
        each["name"]: each["digest"] for each in _statement(signature)["predicate"]["resources"]
    }


def signed_root(signature: bytes) -> str:
    """The root digest of the files that a signature is over: what claims have as their subject."""
    (subject,) = _statement(signature)["subject"]
    return str(subject["digest"]["sha256"])


def signing_key(signature: bytes) -> str:
    """The name of the key that a signature says it is by; see `claims.envelopes.key_id`."""
    material = json.loads(signature).get("verificationMaterial", {})
    return str(material.get("publicKey", {}).get("hint", ""))


def _statement(signature: bytes) -> Any:
    return json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))


def check_signature(folder: Path, public_key: Path | None) -> SignatureState:
    """Whether a folder's signature is by a key and over its files as they are, all of them.

    Raises InputError where the key is none.
    """
    if public_key is not None:
        read_public_key(public_key)
    path = folder / SIGNATURE
    if not path.is_file():
        if public_key is None:
            return SignatureState("none")
        return SignatureState("refused", f"there is no {SIGNATURE}, so no key has signed it")
    if public_key is None:
        return SignatureState("not checked", "name the public key with --key to check it")
    from model_signing import verifying

    try:
        # What the library prints is for people, and would stand before a JSON document.
        with redirect_stdout(sys.stderr):
            verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(folder, path)
        signed = signed_files(path.read_bytes())
    # A file that somebody made up can be wrong in any way; whatever the library says of it, it is refused.
    except Exception as error:
        return SignatureState("refused", _in_words(error, folder, path))
    present = {name for name, _ in files_of_version(folder)} - set(_NOT_SIGNED)
    if unsigned := sorted(present - signed.keys()):
        return SignatureState("refused", f"it does not cover {', '.join(unsigned)}")
    return SignatureState("valid")


def _in_words(error: Exception, folder: Path, signature: Path) -> str:
    from cryptography.exceptions import InvalidSignature

    if isinstance(error, InvalidSignature):
        return "the key has not signed what it says"
    # The library names digests as Python's bytes.
    if str(error).startswith("Signature mismatch"):
        return f"not as signed: {', '.join(_changed(folder, signed_files(signature.read_bytes())))}"
    return str(error).strip() or f"it cannot be read: {type(error).__name__}"


def _changed(folder: Path, signed: Mapping[str, str]) -> list[str]:
    """The files that differ from those that were signed, are missing, or are too much."""
    present = {n: sha256_file(path) for n, path in files_of_version(folder) if path.is_file()}
    names = {*signed, *present} - set(_NOT_SIGNED)
    return sorted(name for name in names if signed.get(name) != present.get(name))


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{what}: {error.strerror or error}: {path}") from error


def read_public_key(path: Path) -> "ec.EllipticCurvePublicKey":
    """The key that --key names. Raises InputError where it is none for these signatures."""
    from cryptography.hazmat.primitives import serialization

    content, name = _read(path, "--key cannot be read"), f"--key {path}"
    with _told(name, "public"):
        return _on_a_curve(serialization.load_pem_public_key(content), name)


def _private_key(content: bytes, name: str) -> "ec.EllipticCurvePrivateKey":
    """Raises InputError, which says nothing of the content, for what is no key for these signatures."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    with _told(name, "private"):
        key = serialization.load_pem_private_key(content, None)
        _on_a_curve(key.public_key(), name)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _on_a_curve(key: object, name: str) -> "ec.EllipticCurvePublicKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise InputError(f"{name}: not a key of ECDSA on P-256, P-384 or P-521.")
    return key


@contextmanager
def _told(name: str, kind: str) -> Iterator[None]:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        yield
    except TypeError:
        raise InputError(f"{name}: the key is encrypted; give it without a password.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{name}: not a {kind} key in PEM.") from None
