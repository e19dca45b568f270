"""Inspect the log: compare leaves with records, hashes with leaves, and check signatures. Pure.

An inspection reads the log in pages, from its first leaf or from a checkpoint on. It keeps the tree
as it grows and a tally of each rule, so its memory does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.note import NotSigned, VerifierKey
from groat.audit.domain.record import agrees, leaf_hash
from groat.audit.domain.tree import STORED_LEVELS, Frontier, LeafRange, Subtree
from groat.kernel import ids
from groat.kernel.ids import MerchantId, RecordId

_MISSING = bytes(32)


class SealedRecord(NamedTuple):
    """A leaf and the row of its record, whose columns are None if the record is missing."""

    place: int
    merchant_id: MerchantId
    record_id: RecordId
    hash: bytes
    object_id: UUID | None
    cause_id: UUID | None
    recorded_at: datetime | None
    body: bytes | None

    def is_true(self) -> bool:
        """Tell whether the record hashes to the leaf, and its columns repeat its bytes."""
        return (
            self.body is not None
            and self.object_id is not None
            and self.recorded_at is not None
            and leaf_hash(self.body) == self.hash
            and agrees(
                self.body,
                self.merchant_id,
                self.record_id,
                self.object_id,
                self.cause_id,
                self.recorded_at,
            )
        )


class CheckpointRow(NamedTuple):
    """A checkpoint as it is stored: ``peaks`` are those of the tree, one after the other."""

    size: int
    peaks: bytes
    note: str


class LogPage(NamedTuple):
    """The rows of a part of the log: leaves, and the checkpoints and subtrees that end there."""

    part: LeafRange
    leaves: Sequence[SealedRecord]
    checkpoints: Sequence[CheckpointRow]
    subtrees: Mapping[Subtree, bytes]


class Tally:
    """The number of objects examined, the number of wrong ones, and the name of the first."""

    def __init__(self) -> None:
        self.examined = 0
        self.wrong = 0
        self.first = ""

    def right(self) -> None:
        """Count an object that keeps the rule."""
        self.examined += 1

    def blame(self, name: str) -> None:
        """Count an object that breaks the rule."""
        self.examined += 1
        self.wrong += 1
        self.first = self.first or name


class LogInspection:
    """Reads the log page by page, and tallies the objects that break a rule.

    ``tree`` is the log up to the first page. ``kept`` is a checkpoint that was kept outside the
    database; the log must extend it.
    """

    def __init__(
        self, tree: Frontier, trusted: Sequence[VerifierKey], kept: Checkpoint | None = None
    ) -> None:
        self.tree = tree
        self.leaves, self.subtrees, self.checkpoints = Tally(), Tally(), Tally()
        self.signatures, self.kept = Tally(), Tally()
        self._trusted = trusted
        self._kept = kept
        self._covered = 0

    def read(self, page: LogPage) -> None:
        """Inspect the next page."""
        start, end = page.part
        hashes = self._hashes(page)
        checkpoints = {one.size: one for one in page.checkpoints}
        kept = set() if self._kept is None else {self._kept.size} & set(range(start + 1, end + 1))
        for stop in sorted({*checkpoints, *kept, end}):
            self._grow(hashes[self.tree.size - start : stop - start], page.subtrees)
            if stop in checkpoints:
                self.inspect(checkpoints[stop])
            if stop in kept:
                self._compare_kept()

    def inspect(self, row: CheckpointRow) -> None:
        """Compare a checkpoint of the size of the present tree with the tree."""
        self._covered = row.size
        name = f"of size {row.size}"
        try:
            found = Checkpoint.opened(row.note, self._trusted)
        except NotSigned:
            self.signatures.blame(name)
            return
        self.signatures.right()
        if (found.size, found.root) == (self.tree.size, self.tree.root()) and (
            row.peaks == self.tree.packed()
        ):
            self.checkpoints.right()
        else:
            self.checkpoints.blame(name)

    def finish(self, stored_subtrees: int) -> None:
        """Look for leaves under no checkpoint, surplus subtrees, and records that are gone."""
        size = self.tree.size
        if self._covered != size:
            self.checkpoints.blame(f"over size {self._covered}, which is missing")
        levels = range(STORED_LEVELS, size.bit_length(), STORED_LEVELS)
        if stored_subtrees == sum(size >> level for level in levels):
            self.subtrees.right()
        else:
            self.subtrees.blame("beyond the leaves")
        if self._kept is not None and not self.kept.examined:
            self.kept.blame(f"of size {self._kept.size}, where the log ends at {size}")

    def _compare_kept(self) -> None:
        assert self._kept is not None  # noqa: S101 - the caller has found its size
        if self.tree.root() == self._kept.root:
            self.kept.right()
        else:
            self.kept.blame(f"of size {self._kept.size}, which has another root")

    def _hashes(self, page: LogPage) -> list[bytes]:
        """Inspect the leaves of a page; return the hash at each of its places."""
        hashes = dict.fromkeys(range(*page.part), _MISSING)
        for leaf in page.leaves:
            hashes[leaf.place] = leaf.hash
            if leaf.is_true():
                self.leaves.right()
            else:
                self.leaves.blame(ids.render("audit_record", leaf.record_id))
        for place, found in hashes.items():
            if found is _MISSING:
                self.leaves.blame(f"at place {place}")
        return list(hashes.values())

    def _grow(self, leaves: Sequence[bytes], stored: Mapping[Subtree, bytes]) -> None:
        """Append leaves to the tree, and compare the subtrees that become complete."""
        self.tree, completed = self.tree.extended(leaves)
        for one, found in completed:
            if one.level % STORED_LEVELS:
                continue
            if stored.get(one) == found:
                self.subtrees.right()
            else:
                self.subtrees.blame(f"{one.number} of level {one.level}")
