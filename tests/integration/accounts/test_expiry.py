"""A hold whose time has come reserves nothing for anybody, and gives back what it did."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.bank import Bank
from tests.support.pages import pages
from tests.support.processes import running


async def expiring(bank: Bank) -> dict[str, Any]:
    """Place a hold, and let the time pass until it is due."""
    await bank.fill(bank.alice, 100)
    later = datetime.now(UTC) + timedelta(days=1)
    answer = await bank.hold(expires_at=later.isoformat())
    assert answer.status_code == 201, answer.text
    await bank.world.rows("update hold set expires_at = now()")
    hold: dict[str, Any] = answer.json()
    return hold


async def state(bank: Bank, hold: dict[str, Any]) -> tuple[str, int]:
    """Return how the hold stands, and what is available on its account."""
    found = (await bank.world.api.get(f"/v1/holds/{hold['id']}")).json()
    return found["state"], (await bank.account(bank.alice))["available"]


async def test_an_expired_hold_cannot_be_captured_even_before_it_is_released(bank: Bank) -> None:
    hold = await expiring(bank)
    answer = await bank.world.api.post(
        f"/v1/holds/{hold['id']}/capture", json={"reference": "late", "credit_account": bank.bob}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "hold_expired")
    assert await state(bank, hold) == ("open", 40)


async def test_concurrent_workers_release_an_expired_hold_once(bank: Bank) -> None:
    hold = await expiring(bank)
    expire = bank.world.engine.transfers.expire_holds
    assert 1 in await asyncio.gather(expire(), expire(), expire())
    assert await expire() == 0
    assert await state(bank, hold) == ("expired", 100)
    story = await pages(bank.world.api, "/v1/audit-records", object=hold["id"])
    assert [event["action"] for event in story] == ["hold.expired", "hold.placed"]


async def test_a_worker_releases_an_expired_hold(bank: Bank, tmp_path: Path) -> None:
    hold = await expiring(bank)
    with running(tmp_path, "worker", tmp_path / "log", **bank.world.variables) as worker:
        async with asyncio.timeout(60):
            while await state(bank, hold) != ("expired", 100):  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.1)
        os.kill(worker.pid, signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 30) == 0
