"""The money oracle: check every statement that must be true of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from groat.accounts import checks as accounts
from groat.audit import checks as audit
from groat.audit.service.verification import (
    LogOptions,
    Verification,
    store_verification,
    verify_log,
)
from groat.inbox import checks as inbox
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.merchants import checks as merchants
from groat.movements import checks as movements
from groat.notifications import checks as notifications
from groat.payments import checks as payments
from groat.platform.postgres.checks import Check, Finding, run_check
from groat.platform.postgres.database import Database
from groat.platform.process.settings import Settings, require
from groat.settlement import checks as settlement

_DEFAULT = LogOptions()


def all_checks() -> list[Check]:
    """Return the checks of all modules that are one query each."""
    return [
        *merchants.checks(),
        *accounts.checks(),
        *movements.checks(),
        *payments.checks(),
        *settlement.checks(),
        *inbox.checks(),
        *notifications.checks(),
        *audit.checks(),
    ]


def verify(
    settings: Settings,
    done: Callable[[Finding], None],
    options: LogOptions = _DEFAULT,
    progress: Callable[[int, int], None] = lambda _read, _all: None,
) -> list[Finding]:
    """Run every check on one snapshot of the database; call ``done`` after each.

    The checks only read and take no row locks, so they can run beside a busy engine. At the end the
    findings are stored. ``options`` select the part of the log to verify; ``progress`` is called
    with the leaves read and the leaves to read.

    Raises:
        ConfigurationError: the settings name no database.
        Unavailable: the database cannot be reached.
    """
    return asyncio.run(_verify(settings, done, options, progress))


async def _verify(
    settings: Settings,
    done: Callable[[Finding], None],
    options: LogOptions,
    progress: Callable[[int, int], None],
) -> list[Finding]:
    url = require(settings.database_url, "DATABASE_URL")
    database = Database(url, max_connections=2, role=settings.role)
    clock, findings = SystemClock(), []
    started = clock.now()
    await database.open()
    try:
        async with database.snapshot() as connection:
            for check in all_checks():
                findings.append(await run_check(connection, check))
                done(findings[-1])
            log = await verify_log(connection, options, progress)
            for finding in log.findings:
                findings.append(finding)
                done(finding)
        size = log.size if all(finding.ok for finding in findings) else 0
        run = Verification(ids.uuid7(), size, findings, started, clock.now())
        await store_verification(database, run)
    finally:
        await database.close()
    return findings


def as_document(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the findings as the document that ``groat verify --json`` prints."""
    checks = [finding.document() for finding in findings]
    return {"ok": all(finding.ok for finding in findings), "checks": checks}
