"""Verify the log: its leaves, its tree, its checkpoints and their signatures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.inspection import LogInspection, Tally
from groat.audit.domain.note import NotSigned, VerifierKey
from groat.audit.domain.tree import Frontier, LeafRange, ProofMismatch
from groat.audit.infrastructure import inspection as store
from groat.audit.service.keys import verifiers
from groat.kernel.value import Value
from groat.platform.postgres.checks import Finding
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database

PAGE_LEAVES = 10_000
"""Leaves that a verification reads at once."""

RULES = (
    "sealed_records_match_leaves",
    "subtrees_match_leaves",
    "checkpoints_match_leaves",
    "checkpoints_are_signed",
)
KEPT_RULE = "log_extends_checkpoint"


class LogOptions(Value):
    """The part of the log to verify, and a checkpoint that was kept outside the database.

    Without ``full``, a verification begins at the checkpoint where the last one ended, unless that
    one found a fault.
    ``kept`` is the text of a signed checkpoint; the log must extend it. That takes a full run.
    ``keys`` are trusted instead of those in the database.
    """

    full: bool = False
    kept: str | None = None
    keys: tuple[VerifierKey, ...] = ()


class LogVerdict(Value):
    """The findings about the log, and its size."""

    findings: list[Finding]
    size: int


class Verification(NamedTuple):
    """A run of all checks. ``size`` is that of the log, or 0 if the run found a fault."""

    id: UUID
    size: int
    findings: Sequence[Finding]
    started_at: datetime
    finished_at: datetime


async def store_verification(database: Database, run: Verification) -> None:
    """Store a run with its findings. The next one begins where this one found the log in order."""
    async with database.transaction() as connection:
        store.insert_verification(
            connection,
            run.id,
            run.size,
            [finding.document() for finding in run.findings],
            run.started_at,
            run.finished_at,
        )


async def verify_log(
    connection: Connection, options: LogOptions, progress: Callable[[int, int], None]
) -> LogVerdict:
    """Verify the log in the caller's snapshot.

    ``progress`` is called with the leaves read and the leaves to read. The rules of the log hold
    for leaves and checkpoints after the start. The signature of the checkpoint at the start is
    checked too, so that nobody can move the start into another log.
    """
    started = time.perf_counter()
    trusted = options.keys or tuple(await verifiers(connection))
    size, subtrees = await store.size(connection)
    try:
        kept = None if options.kept is None else Checkpoint.opened(options.kept, trusted)
    except NotSigned as error:
        finding = Finding(KEPT_RULE, ok=False, examined=1, detail=f"{error}", seconds=0.0)
        return LogVerdict([finding], size)
    inspection = await _begun(connection, options, trusted, kept)
    first = inspection.tree.size
    for start in range(first, size, PAGE_LEAVES):
        part = LeafRange(start, min(start + PAGE_LEAVES, size))
        inspection.read(await store.page(connection, part))
        progress(part.end - first, size - first)
    inspection.finish(subtrees)
    findings = _findings(inspection, has_kept=kept is not None, started=started)
    return LogVerdict(findings, size)


async def _begun(
    connection: Connection,
    options: LogOptions,
    trusted: tuple[VerifierKey, ...],
    kept: Checkpoint | None,
) -> LogInspection:
    """Return the inspection at its start: at the first leaf, or at the last verified checkpoint."""
    last = None if options.full or kept is not None else await store.verified(connection)
    if last is None:
        return LogInspection(Frontier(), trusted, kept)
    try:
        tree = Frontier.unpacked(last.size, last.peaks)
    except ProofMismatch:  # the row was altered; a full run names it
        return LogInspection(Frontier(), trusted, kept)
    inspection = LogInspection(tree, trusted, kept)
    inspection.inspect(last)
    return inspection


def _findings(inspection: LogInspection, *, has_kept: bool, started: float) -> list[Finding]:
    tallies = (
        (inspection.leaves, "audit record"),
        (inspection.subtrees, "subtree"),
        (inspection.checkpoints, "checkpoint"),
        (inspection.signatures, "checkpoint"),
    )
    seconds = time.perf_counter() - started
    findings = [
        _finding(name, tally, noun, seconds)
        for name, (tally, noun) in zip(RULES, tallies, strict=True)
    ]
    if has_kept:
        findings.append(_finding(KEPT_RULE, inspection.kept, "checkpoint", seconds))
    return findings


def _finding(name: str, tally: Tally, noun: str, seconds: float) -> Finding:
    detail = f"{tally.wrong} wrong, first: {noun} {tally.first}" if tally.wrong else ""
    return Finding(name, tally.wrong == 0, tally.examined, detail, seconds)
