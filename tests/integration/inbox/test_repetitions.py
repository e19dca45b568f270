"""Deliveries that come again: Redis is the short cut, PostgreSQL the truth, and nobody waits."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from groat.kernel.clock import SystemClock
from groat.platform.crypto import MasterKeys, Vault
from groat.platform.postgres import schema
from groat.platform.postgres.database import Database
from groat.platform.redis import seen
from groat.platform.redis.seen import Seen
from tests.support.clock import ManualClock
from tests.support.databases import database_like
from tests.support.setting import Setting
from tests.support.world import Mail, World, engine_and_api

EVENT = {"id": "evt_1", "type": "x.y"}
VAULT = Vault(MasterKeys([bytes(32)]), bytes(32))


@pytest.fixture
async def known(world: World) -> Mail:
    """An event that was delivered once, as Redis knows."""
    mail = await world.signed(EVENT)
    assert (await world.deliver(mail)).status_code == 200
    await world.engine.receiver.close()
    return mail


@pytest.fixture
async def client(setting: Setting) -> AsyncIterator[redis.asyncio.Redis]:
    assert setting.settings.redis_url is not None
    async with redis.asyncio.Redis.from_url(setting.settings.redis_url.get_secret_value()) as found:
        yield found


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Redis take its time: what is looked into is what it knows, not how soon."""
    monkeypatch.setattr(seen, "_SECONDS", 5.0)


async def deliveries(world: World) -> list[int]:
    await world.engine.receiver.close()
    return [row[4] for row in await world.inbox()]


async def test_a_repetition_known_to_redis_is_acknowledged_without_postgresql(
    world: World, known: Mail
) -> None:
    async with world.locked("lock table provider_event in access exclusive mode"):
        new = asyncio.create_task(world.deliver(await world.signed({**EVENT, "id": "evt_2"})))
        async with asyncio.timeout(60):
            assert (await world.deliver(known)).status_code == 200
        assert not new.done()
    assert (await new).status_code == 200
    assert await deliveries(world) == [2, 1]


async def test_a_repetition_forgotten_by_redis_is_still_one_event(
    world: World, known: Mail, client: redis.asyncio.Redis
) -> None:
    async for key in client.scan_iter("groat:seen:*"):
        await client.delete(key)
    await world.deliver_all([known] * 3)
    assert await deliveries(world) == [4]
    assert await world.drain() == 1
    assert await world.drain() == 0


async def test_an_event_forged_in_redis_is_still_stored(
    world: World, known: Mail, client: redis.asyncio.Redis
) -> None:
    """Whoever can write to Redis cannot have an event acknowledged that is not committed."""
    name = f"{world.merchant_id}:{world.stripe.account_id.hex}:evt_2"
    async for key in client.scan_iter("groat:seen:*"):
        await client.sadd(key, name, hashlib.sha256(name.encode()).digest()[:16])
    assert (await world.deliver(await world.signed({**EVENT, "id": "evt_2"}))).status_code == 200
    assert await deliveries(world) == [1, 1]
    assert (await world.deliver(known)).status_code == 200
    assert await deliveries(world) == [2, 1]


async def test_without_redis_a_repetition_does_not_wait_for_a_lock_on_its_event(
    world: World, known: Mail
) -> None:
    alone = world.settings.model_copy(update={"redis_url": None})
    async with engine_and_api(alone, world.api_key) as (engine, api):
        async with world.locked("select from provider_event for update"):
            async with asyncio.timeout(60):
                headers = {"stripe-signature": known.headers["stripe-signature"]}
                answer = await api.post(known.path, content=known.body, headers=headers)
            assert answer.status_code == 200
        await engine.receiver.close()
    assert await deliveries(world) == [2]


async def test_an_uncounted_repetition_is_logged(world: World, known: Mail) -> None:
    await world.rows(
        "alter table provider_event_repetition add constraint none check (false) not valid"
    )
    with capture_logs() as lines:
        assert (await world.deliver(known)).status_code == 200
        assert await deliveries(world) == [1]
    assert [line["event"] for line in lines] == ["repetitions_not_counted"]


async def test_an_event_that_was_not_committed_is_not_remembered(world: World) -> None:
    """Else the provider's next delivery would be acknowledged, and the event lost."""
    mail = await world.signed(EVENT)
    await world.rows("alter table provider_event add constraint none check (false) not valid")
    assert (await world.deliver(mail)).status_code == 500
    await world.rows("alter table provider_event drop constraint none")
    assert (await world.deliver(mail)).status_code == 200
    assert len(await world.inbox()) == 1


@pytest.mark.usefixtures("patient")
async def test_a_period_remembers_no_more_names_than_its_limit(
    world: World, client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "_MOST", 3)
    clock, database = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), world.engine.database
    async with database.autocommit():  # now it is known which database this is
        few = Seen("few", client, VAULT, database, clock)
    for name in "abcde":
        await few.remember([name])
    assert await few.among(list("abcde")) == set("abc")
    clock.advance(timedelta(hours=1))
    await few.remember(["f"])
    assert await few.among(list("abcdef")) == set("abcf")


@pytest.mark.usefixtures("patient")
async def test_two_databases_share_no_remembered_names(
    world: World, client: redis.asyncio.Redis
) -> None:
    with database_like(world.database_url, "template0") as other_url:
        schema.migrate(other_url)
        for address in (world.database_url, other_url):
            database = Database(address, max_connections=2)
            await database.open()
            async with database.autocommit():
                things = Seen("things", client, VAULT, database, SystemClock())
            assert await things.among(["a", "b"]) == set()
            await things.remember(["a"])
            assert await things.among(["a", "b"]) == {"a"}
            await database.close()
