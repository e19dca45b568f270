"""Events of balances: each position of a watched account is told once, after the posting."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from groat.accounts.infrastructure import accounts as store
from groat.platform.postgres.connection import Connection
from tests.support.bank import Bank
from tests.support.feed import Event, all_events
from tests.support.processes import running
from tests.support.soundness import assert_sound

TYPE = "account.balance_changed"


async def watch(bank: Bank, account: str, *, wanted: bool = True) -> dict[str, Any]:
    """Ask for the events of an account, or for none; return the account."""
    path, body = f"/v1/accounts/{account}", {"balance_events": wanted}
    answer = await bank.world.api.patch(path, json=body)
    changed: dict[str, Any] = answer.raise_for_status().json()
    return changed


async def told(bank: Bank) -> list[Event]:
    """Let a worker tell of all balances; return the events of balances so far."""
    while await bank.world.engine.balance_events.tell_batch():
        pass
    return await all_events(bank.world, type=TYPE)


async def test_an_event_covers_all_entries_since_the_last_event(bank: Bank) -> None:
    assert (await watch(bank, bank.alice))["balance_events"] is True
    before = await bank.world.api.get(f"/v1/accounts/{bank.alice}")
    await bank.fill(bank.alice, 700)
    await bank.fill(bank.alice, 350)
    [event] = await told(bank)
    after = (await bank.world.api.get(f"/v1/accounts/{bank.alice}")).json()
    assert (event["subject"], event["data"]) == ({"id": bank.alice, "sequence": 1}, after)
    names = ("balance", "available", "version")
    assert event["previous"] == {name: before.json()[name] for name in names}
    assert after["balance"] - before.json()["balance"] == 1050
    assert len(await told(bank)) == 1
    await bank.fill(bank.alice, 1)
    _, second = await told(bank)
    assert second["subject"]["sequence"] == 2
    assert second["previous"]["balance"] == after["balance"]
    await assert_sound(bank.world)


async def test_a_balance_has_events_only_while_the_merchant_asks_for_them(bank: Bank) -> None:
    new = {"code": "wallet:new", "currency": "EUR", "balance_events": True}
    opened = (await bank.world.ask("accounts", new)).json()
    assert opened["balance_events"] is True
    await bank.fill(bank.alice, 700)
    assert await told(bank) == []
    await bank.fill(opened["id"], 700)
    assert [event["subject"]["id"] for event in await told(bank)] == [opened["id"]]
    assert (await watch(bank, opened["id"], wanted=False))["balance_events"] is False
    await bank.fill(opened["id"], 700)
    assert len(await told(bank)) == 1
    await watch(bank, opened["id"])
    assert len(await told(bank)) == 1
    listed = (await bank.world.api.get("/v1/accounts", params={"code": "wallet:new"})).json()
    assert [account["balance_events"] for account in listed["data"]] == [True]


async def test_workers_at_once_tell_of_each_entry_once(bank: Bank) -> None:
    await watch(bank, bank.alice)
    await watch(bank, bank.source)
    tell = bank.world.engine.balance_events.tell_batch

    async def fill() -> None:
        for _ in range(10):
            await bank.fill(bank.alice, 1)

    async def work() -> None:
        for _ in range(20):
            await tell()

    start = (await bank.account(bank.alice))["balance"]
    await asyncio.gather(fill(), fill(), work(), work(), work())
    events = [one for one in await told(bank) if one["subject"]["id"] == bank.alice]
    balances = [start, *(event["data"]["balance"] for event in events)]
    assert balances[-1] == start + 20
    assert balances == sorted(set(balances))
    assert [event["previous"]["balance"] for event in events] == balances[:-1]
    assert [event["subject"]["sequence"] for event in events] == list(range(1, len(balances)))


async def test_a_watch_that_another_worker_holds_is_left_to_it(bank: Bank) -> None:
    await watch(bank, bank.alice)
    await bank.fill(bank.alice, 700)
    async with bank.world.locked("select from balance_watch for update"):
        assert await told(bank) == []
    assert len(await told(bank)) == 1


async def test_an_event_and_its_watch_are_committed_together(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watch(bank, bank.alice)
    await bank.fill(bank.alice, 700)
    audit = bank.world.engine.audit
    write = audit.write

    async def fail(connection: Connection, *rest: Any) -> None:
        await write(connection, *rest)
        assert await store.moved_balances(connection, 1) == []  # all is written, nothing committed
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(audit, "write", fail)
        with pytest.raises(ConnectionResetError):
            await bank.world.engine.balance_events.tell_batch()
    assert len(await told(bank)) == 1


async def test_a_worker_reports_a_changed_balance(bank: Bank, tmp_path: Path) -> None:
    await watch(bank, bank.alice)
    await bank.fill(bank.alice, 700)
    with running(tmp_path, "worker", tmp_path / "log", **bank.world.variables):
        async with asyncio.timeout(60):
            while not (events := await all_events(bank.world, type=TYPE)):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.1)
    assert [event["subject"]["id"] for event in events] == [bank.alice]
