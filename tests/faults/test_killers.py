"""An event that its workers die of: it is found out, and the others do not suffer for it."""

from __future__ import annotations

import signal

import psutil

from groat.app.wiring import open_engine
from groat.inbox.domain.event import MOST_LOST
from tests.faults.books import assert_applied_once, inbox
from tests.faults.fleet import Fleet, fate
from tests.faults.ground import Ground, make_payments
from tests.faults.stripe_events import charge_succeeded

EVENTS = 60


async def test_an_event_that_kills_workers_is_marked_dead_and_workers_survive(
    fleet: Fleet, ground: Ground
) -> None:
    async with open_engine(ground.settings) as engine:
        payments = await make_payments(engine, ground, EVENTS + 1)
        *events, later = [charge_succeeded(payment) for payment in payments]
        killer = events.pop(EVENTS // 2)
        await ground.deliver(engine, [*events, killer])
        worker = await fleet.start("worker", ground.told(**fate(signal.SIGKILL, [killer])))
        for _ in range(MOST_LOST):
            await fleet.until(worker, psutil.STATUS_ZOMBIE)
            await ground.make_due()
            worker = await fleet.replace(worker)
        await ground.settled()
        found = (await inbox(ground))[killer.id]
        assert found.outcome == ("dead", "kills_workers")
        assert found.attempts == MOST_LOST + 1

        await ground.deliver(engine, [later])
        await ground.settled()
    await assert_applied_once(ground, [*events, later])
