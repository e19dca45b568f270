"""APIs and workers die all the time: each change has one event, and each event is delivered."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import redis.asyncio

from groat.app.wiring import open_engine
from groat.kernel import ids
from groat.platform.embedded.places import free_port
from groat.platform.embedded.servers import EmbeddedServers
from tests.faults.fleet import Fleet
from tests.faults.ground import Ground
from tests.support.http_servers import PATIENCE_SECONDS
from tests.support.webhook_receiver import Receiver, receiving
from tests.support.world import OPERATOR

PAYMENTS = int(os.environ.get("GROAT_DRILL_PAYMENTS", "80"))
"""Payments that are created and canceled; each has two events."""

WRITERS, WORKERS, APIS = 4, 2, 2
MOST_KILLS = int(os.environ.get("GROAT_DRILL_KILLS", "15"))
"""Maximum kills. After them, the processes that are left end the work, however slow the machine."""

LIVES_SECONDS = 0.4
"""Seconds from one kill to the next."""

OPEN = "select count(*) from delivery where settled_at is null"
DUE = "update delivery set due_at = now(), claimed_until = null where settled_at is null"
UNPLACED = "select count(*) from event where position is null"


@dataclass
class Client:
    """A client that asks one API after the other until one answers."""

    ports: Sequence[int]
    api_key: str
    chance: Random
    answers: Counter[int] = field(default_factory=Counter)

    async def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.api_key}", **request.pop("headers", {})}
        while True:
            base = f"http://127.0.0.1:{self.chance.choice(self.ports)}"
            try:
                async with httpx.AsyncClient(base_url=base, headers=headers, timeout=5) as http:
                    answer = await http.request(method, path, **request)
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code < 500:
                assert answer.is_success, answer.text
                found: dict[str, Any] = answer.json()
                return found


async def write(client: Client, ground: Ground, numbers: Sequence[int]) -> None:
    """Create payments and cancel them, each command with a key of its own."""
    order = {
        "amount": 1050,
        "currency": "EUR",
        "beneficiary": ids.render("account", ground.wallets[0]),
        "provider_account": ids.render("provider_account", ground.account_id),
        "payment_method": "pm_card_visa",
        "confirm": False,
    }
    for number in numbers:
        key = {"idempotency-key": f"payment-{number}"}
        payment = await client.ask("POST", "/v1/payments", json=order, headers=key)
        key = {"idempotency-key": f"cancel-{number}"}
        await client.ask("POST", f"/v1/payments/{payment['id']}/cancel", headers=key)


async def follow(client: Client, seen: list[str], wanted: int) -> None:
    """Follow the feed with a cursor, as a merchant does, until it has shown all events."""
    cursor: dict[str, str] = {}
    while len(seen) < wanted:
        query = {"wait": "1", "limit": "7", **cursor}
        page = await client.ask("GET", "/v1/events", params=query)
        seen += [event["id"] for event in page["data"]]
        cursor = {"cursor": page["next_cursor"]}


async def wreck(
    fleet: Fleet, machines: EmbeddedServers, chance: Random, calm: asyncio.Event
) -> int:
    """Kill one process after the other, and flush Redis at every fifth; return the kills."""
    kills = 0
    while kills < MOST_KILLS and not calm.is_set():
        await asyncio.sleep(LIVES_SECONDS)
        await fleet.replace(chance.choice(list(fleet.running)))
        kills += 1
        if kills % 5 == 1:
            async with redis.asyncio.Redis.from_url(machines.redis_url) as client:
                await client.flushall()
    return kills


async def test_each_change_has_one_event_that_is_delivered_despite_crashes(
    machines: EmbeddedServers, fleet: Fleet, ground: Ground
) -> None:
    chance = Random(PAYMENTS)  # noqa: S311 - the same order every time
    async with open_engine(ground.settings) as engine:
        created = await engine.api_keys.create(OPERATOR.acting_for(ground.merchant_id))
        key = created.secret
    ports = [free_port() for _ in range(APIS)]
    allowed = {"GROAT_ALLOW_PRIVATE_TARGETS": "true", "GROAT_POLL_SECONDS": "0.2"}
    for port in ports:
        await fleet.start("api", ground.told(GROAT_API_PORT=str(port), **allowed))
    for _ in range(WORKERS):
        await fleet.start("worker", ground.told(**allowed))
    client, calm, seen = Client(ports, str(key), chance), asyncio.Event(), list[str]()
    async with receiving() as receiver:
        await client.ask("POST", "/v1/webhook-endpoints", json={"url": receiver.url})
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            reading = group.create_task(follow(client, seen, 2 * PAYMENTS))
            wrecking = group.create_task(wreck(fleet, machines, chance, calm))
            async with asyncio.TaskGroup() as writers:
                for first in range(WRITERS):
                    numbers = range(first, PAYMENTS, WRITERS)
                    writers.create_task(write(client, ground, numbers))
            calm.set()
            kills = await wrecking
            await reading
        await all_delivered(ground, receiver)
    assert kills > 3
    told = await ground.rows("select typeid('evt', id) from event order by position")
    assert seen == [event_id for (event_id,) in told]
    assert len(seen) == 2 * PAYMENTS
    assert {one.event["id"] for one in receiver.arrived} == set(seen)
    await ground.assert_sound()


async def all_delivered(ground: Ground, receiver: Receiver) -> None:
    """Let the time of retries and leases pass until every event is delivered."""
    await ground.until(UNPLACED, 0)
    limit = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while await ground.rows(OPEN) != [(0,)]:
        assert asyncio.get_running_loop().time() < limit, len(receiver.arrived)
        await ground.rows(DUE)
        await asyncio.sleep(0.5)
    assert await ground.rows("select count(*) from delivery where status <> 'delivered'") == [(0,)]
