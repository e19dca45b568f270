"""Merkle trees as RFC 6962 and RFC 9162 define them: roots, proofs, and growth. Pure.

A *subtree* here is perfect: it has a power of two of leaves, and its place in the tree never
changes. Every other part of a tree is made of subtrees, the largest first. So a log that keeps the
hashes of subtrees can compute any root and any proof without its leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from groat.kernel.value import Value

HASH_BYTES = 32
"""Bytes of a hash: SHA-256."""

STORED_LEVELS = 8
"""Levels between the subtrees whose hashes are stored: those of 256 leaves, of 65,536, ..."""


class ProofMismatch(ValueError):
    """The proof does not lead to the root, or does not fit the sizes. The message says which."""


class Subtree(NamedTuple):
    """The ``2**level`` leaves from leaf ``number * 2**level`` on."""

    level: int
    number: int


class LeafRange(NamedTuple):
    """The leaves from number ``start`` up to, but not including, ``end``."""

    start: int
    end: int

    def halves(self) -> tuple[LeafRange, LeafRange]:
        """Return the two children of this node of the tree; the left one is a subtree."""
        middle = self.start + (1 << (self.end - self.start - 1).bit_length() - 1)
        return LeafRange(self.start, middle), LeafRange(middle, self.end)

    def subtrees(self) -> Iterator[Subtree]:
        """Yield the subtrees that this node of a tree consists of, from left to right."""
        start = self.start
        while start < self.end:
            level = (self.end - start).bit_length() - 1
            yield Subtree(level, start >> level)
            start += 1 << level


class Frontier(Value):
    """A tree, reduced to its growing edge: its size and the hashes of its subtrees.

    ``peaks`` are the hashes of ``LeafRange(0, size).subtrees()``. They suffice for the root of the
    tree and to append leaves.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root of the tree; of a tree without leaves, the hash of no bytes."""
        return root_of(self.peaks) if self.peaks else hashlib.sha256().digest()

    def extended(self, leaves: Iterable[bytes]) -> tuple[Frontier, list[tuple[Subtree, bytes]]]:
        """Append ``leaves``; return the larger tree, and the hash of each subtree made complete.

        The leaves themselves, which are subtrees of level 0, are not returned.
        """
        peaks, size = list(self.peaks), self.size
        completed = []
        for leaf in leaves:
            one, level = leaf, 0
            while size >> level & 1:
                one = node_hash(peaks.pop(), one)
                level += 1
                completed.append((Subtree(level, size >> level), one))
            peaks.append(one)
            size += 1
        return Frontier(size, tuple(peaks)), completed

    def packed(self) -> bytes:
        """Return the peaks as bytes, one after the other."""
        return b"".join(self.peaks)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> Self:
        """Return the tree of ``size`` whose ``packed`` peaks these are.

        Raises:
            ProofMismatch: a tree of this size has another number of peaks.
        """
        if len(packed) != size.bit_count() * HASH_BYTES:
            raise ProofMismatch(f"{len(packed)} bytes are not the peaks of a tree of {size} leaves")
        starts = range(0, len(packed), HASH_BYTES)
        return cls(size, tuple(packed[start : start + HASH_BYTES] for start in starts))


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node: SHA-256 over 0x01 and the hashes of its children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(subtrees: Sequence[bytes]) -> bytes:
    """Return the hash of the node that consists of these subtrees, at least one."""
    *others, node = subtrees
    for subtree in reversed(others):
        node = node_hash(subtree, node)
    return node


def inclusion_path(index: int, size: int) -> list[LeafRange]:
    """Return the nodes whose hashes prove that leaf ``index`` is in a tree of ``size`` leaves.

    They are the siblings of the nodes from the leaf up to the root: PATH of RFC 9162, 2.1.3.1.

    Raises:
        ProofMismatch: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofMismatch(f"a tree of {size} leaves has no leaf {index}")
    node, path = LeafRange(0, size), []
    while node.end - node.start > 1:
        left, right = node.halves()
        node, sibling = (left, right) if index < left.end else (right, left)
        path.append(sibling)
    return path[::-1]


def consistency_path(old: int, size: int) -> list[LeafRange]:
    """Return the nodes whose hashes prove that a tree of ``size`` leaves extends one of ``old``.

    They are PROOF of RFC 9162, 2.1.4.1. A tree extends the tree without leaves and itself, which
    takes no node.

    Raises:
        ProofMismatch: the old tree is larger.
    """
    if not 0 <= old <= size:
        raise ProofMismatch(f"a tree of {size} leaves does not extend one of {old}")
    if old == 0:
        return []
    node, path = LeafRange(0, size), []
    while node.end != old:
        left, right = node.halves()
        node, sibling = (left, right) if old <= left.end else (right, left)
        path.append(sibling)
    if node.start:  # else the old tree is this node, and its root is known
        path.append(node)
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that ``path`` leads to from the hash of leaf ``index``.

    Raises:
        ProofMismatch: the path has another length than the paths of such a tree.
    """
    node = leaf
    for part, sibling in _paired(inclusion_path(index, size), path):
        node = node_hash(node, sibling) if part.start > index else node_hash(sibling, node)
    return node


def require_consistency(
    old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Return if ``path`` proves that the tree of ``size`` leaves extends the one of ``old``.

    Raises:
        ProofMismatch: it does not.
    """
    steps = _paired(consistency_path(old, size), path)
    if old == 0:
        return
    is_subtree = old == size or old & (old - 1) == 0
    old_node = node = old_root if is_subtree else steps.pop(0)[1]
    for part, sibling in steps:
        if part.start >= old:
            node = node_hash(node, sibling)
        else:
            node, old_node = node_hash(sibling, node), node_hash(sibling, old_node)
    if (old_node, node) != (old_root, root):
        raise ProofMismatch(f"the tree of {size} leaves does not extend the one of {old}")


def _paired(parts: list[LeafRange], path: Sequence[bytes]) -> list[tuple[LeafRange, bytes]]:
    if len(path) != len(parts) or any(len(one) != HASH_BYTES for one in path):
        raise ProofMismatch(f"the proof has {len(path)} hashes; it takes {len(parts)} of 32 bytes")
    return list(zip(parts, path, strict=True))
