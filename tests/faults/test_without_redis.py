"""Redis as it must not be: frozen, or full. All are acknowledged, at once, and applied."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random

import pytest
import redis

from groat.app.wiring import open_engine
from groat.platform.embedded.places import free_port
from groat.platform.embedded.servers import EmbeddedServers
from tests.faults.books import assert_applied_once
from tests.faults.fleet import Fleet
from tests.faults.ground import Ground, make_payments
from tests.faults.sender import OK, Sender
from tests.faults.stripe_events import charge_succeeded, deliveries

EVENTS = 150
PER_SECOND = 150.0
AT_ONCE_SECONDS = 10.0
"""On a busy machine. Waiting for Redis as often as it is asked would take longer."""


@contextmanager
def frozen(machines: EmbeddedServers) -> Iterator[None]:
    pid = machines.valkey.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def full(machines: EmbeddedServers) -> Iterator[None]:
    with redis.Redis.from_url(machines.redis_url) as client:
        client.config_set("maxmemory", "1mb")
        try:
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.set("one", "more")
            yield
        finally:
            client.config_set("maxmemory", "0")


@pytest.mark.parametrize("trouble", [frozen, full])
async def test_without_redis_events_are_acknowledged_and_none_is_lost(
    machines: EmbeddedServers,
    fleet: Fleet,
    ground: Ground,
    trouble: Callable[[EmbeddedServers], AbstractContextManager[None]],
) -> None:
    async with open_engine(ground.settings) as engine:
        payments = await make_payments(engine, ground, EVENTS)
    events = [charge_succeeded(payment) for payment in payments]
    order = deliveries(events, Random(0))  # noqa: S311 - the same order every time
    port = free_port()
    await fleet.start("api", ground.told(GROAT_API_PORT=str(port)))
    await fleet.start("worker", ground.told())
    await Sender(ground.path, [port]).deliver(order[:1], PER_SECOND)  # now both are at work
    await ground.settled()

    sender = Sender(ground.path, [port])
    with trouble(machines):
        await sender.deliver(order, PER_SECOND)
        assert sender.answers == {OK: len(order)}
        assert sender.slowest < AT_ONCE_SECONDS
        await ground.settled()
    await ground.until(
        "select (select sum(deliveries) from provider_event)::integer"
        " + (select sum(deliveries) from provider_event_repetition)::integer",
        len(order) + 1,
    )
    await assert_applied_once(ground, events)
