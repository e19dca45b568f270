"""The journal of a month, as a bookkeeper's program reads it."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from groat.accounts import queries
from groat.app.export_commands import month_span
from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from tests.support.payments import pay
from tests.support.world import World


async def test_a_journal_has_every_entry_of_the_month_and_each_transaction_balances(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = await world.wallet()
    for _ in range(3):
        await pay(world, wallet, "stripe")
    entries = await world.rows("select recorded_at from ledger_entry")
    months = {one.astimezone(UTC).strftime("%Y-%m") for (one,) in entries}
    merchant = ids.render_merchant(world.merchant_id)
    lines: list[dict[str, str]] = []
    for month in sorted(months):
        shown = await world.groat("export", "journal", merchant, "--month", month)
        assert shown.returncode == 0, shown.stderr
        lines += csv.DictReader(shown.stdout.splitlines())
    assert len(lines) == len(entries)
    sums = Counter[tuple[str, str]]()
    for line in lines:
        amount = Decimal(line["debit"] or 0) - Decimal(line["credit"] or 0)
        sums[line["transaction"], line["currency"]] += amount  # type: ignore[assignment]
    assert set(sums.values()) == {0}
    credited = [line for line in lines if line["account"] == "wallet:alice"]
    assert [line["credit"] for line in credited] == ["10.50"] * 3
    monkeypatch.setattr(queries, "_PAGE", 2)
    since, _ = month_span(min(months))
    found = world.engine.account_queries.journal(world.merchant_id, since, datetime.now(UTC))
    read = [(line.transaction_id, line.account_number) async for line in found]
    assert len(read) == len(set(read)) == len(entries)


def test_a_month_ends_where_the_next_begins() -> None:
    assert month_span("2026-12") == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    with pytest.raises(InvalidRequest, match="Give a month"):
        month_span("2026-13")
