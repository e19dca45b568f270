"""The money oracle: check every statement that must be true of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict

from groat.accounts import checks as accounts
from groat.audit import checks as audit
from groat.inbox import checks as inbox
from groat.merchants import checks as merchants
from groat.movements import checks as movements
from groat.payments import checks as payments
from groat.platform.postgres.checks import Check, Finding, run_check
from groat.platform.postgres.database import Database
from groat.platform.process.settings import Settings, require
from groat.settlement import checks as settlement


def all_checks() -> list[Check]:
    """Return the checks of all modules."""
    return [
        *merchants.checks(),
        *accounts.checks(),
        *movements.checks(),
        *payments.checks(),
        *settlement.checks(),
        *inbox.checks(),
        *audit.checks(),
    ]


def verify(settings: Settings, done: Callable[[Finding], None]) -> list[Finding]:
    """Run every check on one snapshot of the database; call ``done`` after each.

    The checks only read and take no row locks, so they can run beside a busy engine.

    Raises:
        ConfigurationError: the settings name no database.
        Unavailable: the database cannot be reached.
    """
    return asyncio.run(_verify(settings, done))


async def _verify(settings: Settings, done: Callable[[Finding], None]) -> list[Finding]:
    url = require(settings.database_url, "DATABASE_URL")
    database = Database(url, max_connections=2, role=settings.role)
    findings = []
    await database.open()
    try:
        async with database.snapshot() as connection:
            for check in all_checks():
                findings.append(await run_check(connection, check))
                done(findings[-1])
    finally:
        await database.close()
    return findings


def as_document(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the findings as the document that ``groat verify --json`` prints."""
    checks = [asdict(finding) for finding in findings]
    for check in checks:
        check["seconds"] = round(check["seconds"], 6)
    return {"ok": all(finding.ok for finding in findings), "checks": checks}
