"""A proof that a record was in a training set, and whether it holds: without corpus, store and workspace.

A proof holds the record's salt, the way from its leaf to the root, and the signed statement that has the root.
`docs/inclusion-proofs.md` describes it, with lines that check one without this project.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.claims.envelopes import (
    RefusedError,
    check_signed,
    payload_of,
    statement_of,
    subject_digest,
)
from pipeline.claims.predicates import TRAINING_SET_TYPE
from pipeline.inclusion.merkle import HASH_BYTES, leaf_hash, root_from_path
from pipeline.inclusion.salts import SALT_BYTES, SaltedRecord
from pipeline.inclusion.training_sets import TreeHead, entry_of
from pipeline.signing import read_public_key
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json

_VERSION = 1


@dataclass(frozen=True)
class Proof:
    """index: of the record's leaf in the tree. path: the nodes beside its way to the root, from below.

    envelope: the signed statement of the training set, as it stands in `claims.jsonl`.
    """

    record: SaltedRecord
    salt: bytes
    index: int
    path: tuple[bytes, ...]
    envelope: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> "Proof":
        """The proof in a file. Raises InputError where there is none, or one of a newer version."""
        try:
            document = parse_json(file.read_bytes())
        except OSError as error:
            raise InputError(f"{file}: cannot be read: {error.strerror}.") from error
        except ValueError:
            document = None
        version = document.get("version") if isinstance(document, dict) else None
        if isinstance(version, int) and version > _VERSION:
            raise InputError(
                f"{file}: a proof of version {version}, and this version of gpt2-tfx knows up to {_VERSION}."
            )
        try:
            proof = cls(
                SaltedRecord(str(document["record"]["id"]), str(document["record"]["digest"])),
                bytes.fromhex(document["record"]["salt"]),
                int(document["index"]),
                tuple(bytes.fromhex(node) for node in document["path"]),
                document["statement"],
            )
            # With other lengths, the same bytes could be read as another record.
            digests = (*proof.path, bytes.fromhex(proof.record.digest))
            if len(proof.salt) != SALT_BYTES or {len(each) for each in digests} != {HASH_BYTES}:
                raise ValueError
            statement_of(payload_of(proof.envelope))
        except (LookupError, TypeError, ValueError, RefusedError):
            raise InputError(
                f"{file}: not a proof, as `gpt2-tfx lineage prove` writes it."
            ) from None
        return proof

    def to_json(self) -> str:
        """What is written into a file: `docs/schemas/inclusion-proof.schema.json`."""
        document = {
            "version": _VERSION,
            "record": {**self.record._asdict(), "salt": self.salt.hex()},
            "index": self.index,
            "path": [node.hex() for node in self.path],
            "statement": dict(self.envelope),
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def leads_to(self, head: TreeHead) -> bool:
        """Whether the record is in the tree of a root."""
        leaf = leaf_hash(entry_of(self.record, self.salt))
        root = root_from_path(leaf, self.index, head.size, self.path)
        return root is not None and root.hex() == head.root


@dataclass(frozen=True)
class CheckedProof:
    """What is known of a proof. model: the root digest of the version that its statement is about.

    signature: `not checked` where no key was named; then anybody can have made the statement.
    """

    ok: bool
    reason: str
    model: str
    signature: Literal["valid", "refused", "not checked"]


def check_proof(proof: Proof, public_key: Path | None) -> CheckedProof:
    """Whether a proof leads to the root in its statement, and a key has signed that. Raises InputError for no key."""
    statement = statement_of(payload_of(proof.envelope))
    model = subject_digest(statement)
    signature: Literal["valid", "not checked"] = "not checked"
    if public_key is not None:
        key, signature = read_public_key(public_key), "valid"
        try:
            check_signed(proof.envelope, key)
        except RefusedError as error:
            return CheckedProof(False, f"its statement: {error}", model, "refused")
    head = head_of(statement)
    if head is None:
        reason = f"its statement ({statement['predicateType']}) is not of a training set"
    elif not proof.leads_to(head):
        reason = "the record does not lead to the root in the statement"
    else:
        reason = ""
    return CheckedProof(not reason, reason, model, signature)


def head_of(statement: Mapping[str, Any]) -> TreeHead | None:
    """The root that a statement is about; None where it is not one of a training set."""
    if statement["predicateType"] != TRAINING_SET_TYPE:
        return None
    try:
        tree = statement["predicate"]["tree"]
        return TreeHead(int(tree["size"]), str(tree["root"]["sha256"]))
    except (LookupError, TypeError, ValueError):
        return None
