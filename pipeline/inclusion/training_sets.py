"""The Merkle trees of training sets: a leaf for each record, which says nothing without the record's salt.

The leaf hashes of a tree are kept in `training_sets/<root>` of the workspace, so that a proof needs the salt of its own
record alone, and no other proof is lost with a salt that is deleted.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline.inclusion.merkle import HASH_BYTES, leaf_hash, root_of
from pipeline.inclusion.salts import SaltedRecord, Salts
from preprocessing.base.errors import InputError
from preprocessing.base.staging import make_folder, staged_beside

_BATCH = 5000
_BLOCK = 1 << 15


@dataclass(frozen=True)
class TreeHead:
    """How many records a training set has, and the root over them, in hex."""

    size: int
    root: str


def entry_of(record: SaltedRecord, salt: bytes) -> bytes:
    """What a leaf is made of: 16 bytes of salt, the 32 of the record's digest, and its id in UTF-8."""
    return salt + bytes.fromhex(record.digest) + record.id.encode()


class TrainingSets:
    """The trees whose roots were signed in a workspace."""

    def __init__(self, workspace: Path) -> None:
        self._folder = workspace / "training_sets"

    def commit(self, records: Iterable[SaltedRecord], salts: Salts) -> TreeHead:
        """Make the tree of a training set and keep its leaves; records stay in their order, and none in memory."""
        make_folder(self._folder)
        staged = staged_beside(self._folder / "leaves")
        size = 0
        try:
            with staged.open("wb") as file:

                def written() -> Iterator[bytes]:
                    nonlocal size
                    rest = iter(records)
                    while batch := list(islice(rest, _BATCH)):
                        for record, salt in zip(batch, salts.of(batch), strict=True):
                            leaf = leaf_hash(entry_of(record, salt))
                            file.write(leaf)
                            yield leaf
                        size += len(batch)

                root = root_of(written())
            # A root must not be signed before the salts are kept that its proofs need.
            salts.commit()
            staged.replace(self._folder / root.hex())
        finally:
            staged.unlink(missing_ok=True)
        return TreeHead(size, root.hex())

    def leaves(self, head: TreeHead) -> Callable[[int, int], Iterator[bytes]]:
        """The leaf hashes of a tree, which are read when they are asked for. Raises InputError where they are gone."""
        path = self._folder / head.root
        if not path.is_file() or path.stat().st_size != head.size * HASH_BYTES:
            raise InputError(
                f"{path}: the leaves of this training set are gone or damaged; bring the file back from a backup."
            )

        def between(start: int, end: int) -> Iterator[bytes]:
            with path.open("rb") as file:
                file.seek(start * HASH_BYTES)
                while start < end:
                    block = file.read(min(end - start, _BLOCK) * HASH_BYTES)
                    if not block:
                        return
                    for at in range(0, len(block), HASH_BYTES):
                        yield block[at : at + HASH_BYTES]
                    start += len(block) // HASH_BYTES

        return between
