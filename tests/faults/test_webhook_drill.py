"""Thousands of events, and whatever can die dies all the time: each event is applied once."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from random import Random

from groat.app.wiring import open_engine
from groat.platform.embedded.places import free_port
from groat.platform.embedded.servers import EmbeddedServers
from tests.faults.books import Standing, assert_applied_once, inbox
from tests.faults.fleet import Fleet
from tests.faults.ground import Ground, make_payments
from tests.faults.sender import Sender
from tests.faults.stripe_events import EVENTS_IN_PERIOD, PERIOD, Event, deliveries, events_of
from tests.faults.wrecking import Wrecker

EVENTS = int(os.environ.get("GROAT_DRILL_EVENTS", "600"))
PER_SECOND = float(os.environ.get("GROAT_DRILL_PER_SECOND", "200"))
"""Distinct events, and deliveries a second; ``make drill`` has more of both."""

WORKERS, APIS = 3, 2

BACKLOG_SECONDS = 120
"""So long after the last fault nothing is left to be done, however busy the machine."""

LIMIT_SECONDS = 600
"""For everything to be acknowledged, however slow and busy the machine."""


async def test_each_event_is_applied_once_despite_crashes(
    machines: EmbeddedServers, fleet: Fleet, ground: Ground
) -> None:
    chance = Random(EVENTS)  # noqa: S311 - the same order every time
    events = await _events(ground)
    order = deliveries(events, chance)
    sender = Sender(ground.path, await _started(fleet, ground))
    wrecker = Wrecker(fleet, machines, chance)
    began = time.monotonic()
    async with asyncio.timeout(LIMIT_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(sender.deliver(order, PER_SECOND))
        await wrecker.wreck(len(order) / PER_SECOND)
        calm = time.monotonic()
    acknowledged = time.monotonic()
    await ground.settled(by=calm + BACKLOG_SECONDS)
    _tell(sender, wrecker, acknowledged - began, time.monotonic() - calm, await inbox(ground))

    assert sender.acknowledged.keys() ^ {event.id for event in events} == set()
    for event_id, standing in (await inbox(ground)).items():
        assert 1 <= standing.deliveries <= sender.sent[event_id]
    await assert_applied_once(ground, events)


async def _events(ground: Ground) -> list[Event]:
    """Make payments and return what Stripe has to say about them."""
    async with open_engine(ground.settings) as engine:
        payments = await make_payments(
            engine, ground, math.ceil(EVENTS * PERIOD / EVENTS_IN_PERIOD)
        )
    return [event for payment in payments for event in events_of(payment)]


async def _started(fleet: Fleet, ground: Ground) -> list[int]:
    """Start workers and APIs; return the ports of these."""
    ports = [free_port() for _ in range(APIS)]
    for port in ports:
        await fleet.start("api", ground.told(GROAT_API_PORT=str(port)))
    for _ in range(WORKERS):
        await fleet.start("worker", ground.told())
    return ports


def _tell(
    sender: Sender,
    wrecker: Wrecker,
    delivering: float,
    settling: float,
    standings: Mapping[str, Standing],
) -> None:
    """Write down what happened, for who reads along."""
    figures = {
        "events": len(standings),
        "deliveries acknowledged": sender.acknowledged.total(),
        "answers by status": dict(sender.answers),
        "slowest acknowledgement, s": round(sender.slowest, 2),
        "done to it": dict(wrecker.done),
        "delivering, s": round(delivering, 1),
        "from the last fault to the last event, s": round(settling, 1),
        "outcomes": dict(Counter(one.outcome for one in standings.values())),
        "events by attempts": dict(
            sorted(Counter(one.attempts for one in standings.values()).items())
        ),
    }
    sys.stdout.writelines(f"{name}: {value}\n" for name, value in figures.items())
