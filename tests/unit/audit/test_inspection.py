"""An inspection of a log in memory: silent about a true one, and to the point about each fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from groat.audit.domain.action import Action
from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.inspection import CheckpointRow, LogInspection, LogPage, SealedRecord
from groat.audit.domain.note import SigningKey
from groat.audit.domain.record import Cause, Change, Record, canonical_bytes, leaf_hash
from groat.audit.domain.tree import Frontier, LeafRange, Subtree
from groat.kernel import ids
from groat.kernel.ids import MerchantId, RecordId

KEY = SigningKey("example.com/log", bytes(range(32)))
STRANGER = SigningKey("example.com/log", bytes(32))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZE = 600
SIZES = (1, 7, 256, 300, 599, SIZE)


class Deed(Action):
    DONE = "thing.done", "A thing was done."


def sealed(place: int) -> SealedRecord:
    """Return a leaf with its record."""
    record_id, object_id, cause_id = RecordId(ids.uuid7()), ids.uuid7(), ids.uuid7()
    change = Change(
        Deed.DONE, "payment", object_id, "engine", Cause.of("operation", cause_id), {"n": place}
    )
    body = canonical_bytes(Record(MerchantId(7), record_id, change, NOW))
    return SealedRecord(
        place, MerchantId(7), record_id, leaf_hash(body), object_id, cause_id, NOW, body
    )


@dataclass
class Log:
    """The rows of a log."""

    leaves: list[SealedRecord]
    checkpoints: list[CheckpointRow] = field(default_factory=list)
    subtrees: dict[Subtree, bytes] = field(default_factory=dict)

    def page(self, part: LeafRange) -> LogPage:
        inside = range(*part)
        return LogPage(
            part,
            [leaf for leaf in self.leaves if leaf.place in inside],
            [one for one in self.checkpoints if part.start < one.size <= part.end],
            self.subtrees,
        )

    def inspected(
        self, *, by: int = 128, kept: Checkpoint | None = None, start: CheckpointRow | None = None
    ) -> dict[str, str]:
        """Inspect the log in pages of ``by`` leaves; return what is wrong, by the rule."""
        tree = Frontier() if start is None else Frontier.unpacked(start.size, start.peaks)
        inspection = LogInspection(tree, [KEY.verifier], kept)
        if start is not None:
            inspection.inspect(start)
        sizes = [leaf.place + 1 for leaf in self.leaves] + [one.size for one in self.checkpoints]
        for first in range(tree.size, max(sizes), by):
            inspection.read(self.page(LeafRange(first, min(first + by, max(sizes)))))
        inspection.finish(len(self.subtrees))
        tallies = {
            "leaves": inspection.leaves,
            "subtrees": inspection.subtrees,
            "checkpoints": inspection.checkpoints,
            "signatures": inspection.signatures,
            "kept": inspection.kept,
        }
        return {name: tally.first for name, tally in tallies.items() if tally.wrong}


@pytest.fixture
def log() -> Log:
    made = Log([sealed(place) for place in range(SIZE)])
    tree = Frontier()
    for size in SIZES:
        tree, completed = tree.extended(leaf.hash for leaf in made.leaves[tree.size : size])
        made.subtrees |= {one: found for one, found in completed if one.level == 8}
        note = Checkpoint(KEY.verifier.name, size, tree.root()).signed_by([KEY])
        made.checkpoints.append(CheckpointRow(size, tree.packed(), note))
    return made


def kept(log: Log, place: int) -> Checkpoint:
    return Checkpoint.opened(log.checkpoints[place].note, [KEY.verifier])


@pytest.mark.parametrize("by", [1, 7, 128, 10_000])
def test_a_true_log_is_found_true_in_pages_of_any_size(log: Log, by: int) -> None:
    assert log.inspected(by=by) == {}
    for place in range(len(SIZES)):
        assert log.inspected(by=by, kept=kept(log, place)) == {}
        assert log.inspected(by=by, start=log.checkpoints[place]) == {}


def _alter(place: int, **columns: Any) -> Callable[[Log], None]:
    def alter(log: Log) -> None:
        log.leaves[place] = log.leaves[place]._replace(**columns)

    return alter


def _drop_leaf(log: Log) -> None:
    del log.leaves[5]


def _swap_leaves(log: Log) -> None:
    first, second = log.leaves[3], log.leaves[4]
    log.leaves[3:5] = [second._replace(place=3), first._replace(place=4)]


def _drop_last_leaf(log: Log) -> None:
    del log.leaves[-1]


def _add_leaf(log: Log) -> None:
    log.leaves.append(sealed(SIZE))


def _rewrite(log: Log) -> None:
    """Change a record and its leaf to match."""
    log.leaves[3] = sealed(3)


def _other_peaks(log: Log) -> None:
    log.checkpoints[2] = log.checkpoints[2]._replace(peaks=bytes(32))


def _strange_signature(log: Log) -> None:
    note = kept(log, 2).signed_by([STRANGER])
    log.checkpoints[2] = log.checkpoints[2]._replace(note=note)


def _other_size(log: Log) -> None:
    log.checkpoints[1] = log.checkpoints[1]._replace(size=8)


def _drop_last_checkpoint(log: Log) -> None:
    del log.checkpoints[-1]


def _other_subtree(log: Log) -> None:
    log.subtrees[Subtree(8, 1)] = bytes(32)


def _drop_subtree(log: Log) -> None:
    del log.subtrees[Subtree(8, 1)]


def _add_subtree(log: Log) -> None:
    log.subtrees[Subtree(8, 2)] = bytes(32)


FAULTS: list[tuple[Callable[[Log], None], set[str]]] = [
    (_alter(4, body=b"{}"), {"leaves"}),
    (_alter(4, body=None), {"leaves"}),
    (_alter(4, merchant_id=8), {"leaves"}),
    (_alter(4, record_id=ids.uuid7()), {"leaves"}),
    (_alter(4, object_id=ids.uuid7()), {"leaves"}),
    (_alter(4, cause_id=ids.uuid7()), {"leaves"}),
    (_alter(4, recorded_at=NOW + timedelta(microseconds=1)), {"leaves"}),
    (_alter(4, hash=bytes(32)), {"leaves", "subtrees", "checkpoints"}),
    (_drop_leaf, {"leaves", "subtrees", "checkpoints"}),
    (_swap_leaves, {"subtrees", "checkpoints"}),
    (_drop_last_leaf, {"leaves", "checkpoints"}),
    (_add_leaf, {"checkpoints"}),
    (_rewrite, {"subtrees", "checkpoints"}),
    (_other_peaks, {"checkpoints"}),
    (_strange_signature, {"signatures"}),
    (_other_size, {"checkpoints"}),
    (_drop_last_checkpoint, {"checkpoints"}),
    (_other_subtree, {"subtrees"}),
    (_drop_subtree, {"subtrees"}),
    (_add_subtree, {"subtrees"}),
]


@pytest.mark.parametrize(("fault", "rules"), FAULTS)
def test_each_fault_is_found_and_named(
    log: Log, fault: Callable[[Log], None], rules: set[str]
) -> None:
    fault(log)
    found = log.inspected()
    assert found.keys() == rules
    assert all(found.values())


def test_a_record_is_named_by_its_id_and_a_gap_by_its_place(log: Log) -> None:
    name = ids.render("audit_record", log.leaves[4].record_id)
    _alter(4, body=b"{}")(log)
    assert log.inspected()["leaves"] == name
    del log.leaves[4]
    assert log.inspected()["leaves"] == "at place 4"


def test_a_log_rewritten_with_the_key_is_caught_by_a_checkpoint_that_was_kept(log: Log) -> None:
    before = kept(log, 3)
    for place in (3, 4):
        log.leaves[place] = sealed(place)
    tree = Frontier()
    log.checkpoints.clear()
    log.subtrees.clear()
    for size in SIZES:
        tree, completed = tree.extended(leaf.hash for leaf in log.leaves[tree.size : size])
        log.subtrees |= {one: found for one, found in completed if one.level == 8}
        note = Checkpoint(KEY.verifier.name, size, tree.root()).signed_by([KEY])
        log.checkpoints.append(CheckpointRow(size, tree.packed(), note))
    assert log.inspected() == {}
    assert log.inspected(kept=before) == {"kept": "of size 300, which has another root"}


def test_a_restored_backup_is_caught_by_a_later_checkpoint(log: Log) -> None:
    before = kept(log, 5)
    del log.leaves[300:], log.checkpoints[4:], log.subtrees[Subtree(8, 1)]
    assert log.inspected() == {}
    assert log.inspected(kept=before) == {"kept": "of size 600, where the log ends at 300"}


def test_a_forged_start_is_refused(log: Log) -> None:
    """Without the key, nobody can let a verification begin in another log."""
    forged = CheckpointRow(1, bytes(32), log.checkpoints[0].note)
    assert log.inspected(start=forged).keys() >= {"checkpoints"}
    stranger = Checkpoint(KEY.verifier.name, 1, bytes(32)).signed_by([STRANGER])
    assert log.inspected(start=forged._replace(note=stranger)).keys() >= {"signatures"}
