"""A worker that wakes long after its work was taken over: it does nothing, and no harm."""

from __future__ import annotations

import os
import signal

import psutil

from groat.app.wiring import open_engine
from tests.faults.books import assert_applied_once, inbox
from tests.faults.fleet import Fleet, fate
from tests.faults.ground import Ground, make_payments
from tests.faults.stripe_events import charge_succeeded

EVENTS = 100


async def test_a_worker_that_wakes_late_leaves_the_events_of_a_new_claim_alone(
    fleet: Fleet, ground: Ground
) -> None:
    async with open_engine(ground.settings) as engine:
        payments = await make_payments(engine, ground, EVENTS + 1)
        *events, later = [charge_succeeded(payment) for payment in payments]
        await ground.deliver(engine, events)
        told = ground.told(**fate(signal.SIGSTOP, events))  # before it locks any of them
        first = await fleet.start("worker", told)
        await fleet.until(first, psutil.STATUS_STOPPED)
        await ground.make_due()
        second = await fleet.start("worker", told)
        await fleet.until(second, psutil.STATUS_STOPPED)
        await ground.rows(
            "update provider_event set claimed_until = claimed_until + interval '1 hour'"
        )

        os.kill(first, signal.SIGCONT)
        await ground.deliver(engine, [later])
        await ground.until("select status from provider_event where attempts = 1", "processed")
        taken_over = [(await inbox(ground))[event.id] for event in events]
        assert {(one.status, one.attempts) for one in taken_over} == {("pending", 2)}
        os.kill(second, signal.SIGCONT)
        await ground.settled()
    await assert_applied_once(ground, [*events, later])
