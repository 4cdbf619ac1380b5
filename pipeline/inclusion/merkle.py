"""The Merkle tree of RFC 9162, section 2.1, over leaf hashes that are read as a stream.

Nothing but one hash for each level of the tree is kept in memory. Our own and not pymerkle's: that keeps every node of
a tree in memory or in a database of its own, and what a proof means should be read in these lines.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32

# The leaf hashes from one index up to another.
Leaves = Callable[[int, int], Iterable[bytes]]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry of the tree."""
    return sha256(b"\0" + entry).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes (2.1.1): of 0 leaves the hash of nothing, of one the leaf itself."""
    # Whole subtrees from left to right, with how many leaves each has: each larger than the next.
    subtrees: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, node = 1, leaf
        while subtrees and subtrees[-1][0] == size:
            node = _node(subtrees.pop()[1], node)
            size *= 2
        subtrees.append((size, node))
    if not subtrees:
        return sha256().digest()
    _, root = subtrees.pop()
    while subtrees:
        root = _node(subtrees.pop()[1], root)
    return root


def inclusion_path(leaves: Leaves, index: int, size: int) -> list[bytes]:
    """The nodes that lead from a leaf to the root of a tree of `size` leaves (2.1.3.1). Reads every leaf once."""
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            path.append(root_of(leaves(middle, end)))
            end = middle
        else:
            path.append(root_of(leaves(start, middle)))
            start = middle
    return path[::-1]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads from a leaf hash (2.1.3.2); None where it is no path of such a tree."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf
    for node in path:
        if not last:
            return None
        if place & 1 or place == last:
            root = _node(node, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = _node(root, node)
        place, last = place >> 1, last >> 1
    return None if last else root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
