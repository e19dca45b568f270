"""One event that cannot be applied, among a thousand: it is dead alone, and not for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.providers.port import Answered, NotOurs, Unreadable
from groat.providers.stripe.webhooks import StripeWebhooks
from tests.faults.books import APPLIED, assert_applied_once, inbox
from tests.faults.ground import Ground, make_payments
from tests.faults.stripe_events import Event, charge_succeeded
from tests.support.world import OPERATOR, api_client

EVENTS = 1000


def raising(event: Event) -> bytes:
    """Return the event as it is: its adapter is what fails."""
    return event.body


def refused(event: Event) -> bytes:
    """Return the event about a charge whose id PostgreSQL refuses."""
    return event.body.replace(f'"{event.payment.charge}"'.encode(), b'"ch_\\u0000"')


def unreadable(event: Event) -> bytes:
    """Return the event without the amount."""
    return event.body.replace(b'"amount_captured"', b'"amount_catured"')


REASONS: Mapping[Callable[[Event], bytes], str] = {
    raising: "ZeroDivisionError",
    refused: "CharacterNotInRepertoire",
    unreadable: "unreadable: ",
}


@contextmanager
def adapter(*, reads: Event, as_: bytes | None) -> Iterator[None]:
    """Have the adapter read an event as if it had another body; with None, have it raise."""
    read = StripeWebhooks.read

    def misread(
        webhooks: StripeWebhooks, event_type: str, body: bytes
    ) -> Answered | Unreadable | NotOurs | None:
        if f'"{reads.id}"'.encode() not in body:
            return read(webhooks, event_type, body)
        if as_ is None:
            raise ZeroDivisionError
        return read(webhooks, event_type, as_)

    with patch.object(StripeWebhooks, "read", misread):
        yield


@pytest.mark.parametrize("made", REASONS, ids=lambda made: made.__name__)
async def test_a_poison_event_delays_no_other_event_and_is_replayed_once_fixed(
    ground: Ground, made: Callable[[Event], bytes]
) -> None:
    async with open_engine(ground.settings) as engine:
        payments = await make_payments(engine, ground, EVENTS)
        events = [charge_succeeded(payment) for payment in payments]
        poison = events[EVENTS // 2]
        body = made(poison)
        sent = [event._replace(body=body) if event is poison else event for event in events]
        await ground.deliver(engine, sent)

        with adapter(reads=poison, as_=None if made is raising else body), capture_logs() as log:
            await drain(engine)
            standings = await inbox(ground)
            found = standings.pop(poison.id)
            assert {one.outcome for one in standings.values()} == {APPLIED}
            assert {one.attempts for one in standings.values()} == {1}
            while found.status == "retrying":
                await ground.make_due()
                await drain(engine)
                found = (await inbox(ground))[poison.id]
        assert found.status == "dead"
        assert str(found.reason).startswith(REASONS[made])
        assert [one["reason"] for one in log if one["event"] == "provider_event_dead"] == [
            found.reason
        ]

        with adapter(reads=poison, as_=poison.body):
            await replay(engine, ground, poison)
            await drain(engine)
    await assert_applied_once(ground, events)


async def drain(engine: Engine) -> None:
    """Do all that is due, without any time passing."""
    while await engine.drain.drain_batch():
        pass


async def replay(engine: Engine, ground: Ground, event: Event) -> None:
    """Have an event replayed by its id, as an operator does over HTTP."""
    [(event_id,)] = await ground.rows(
        "select id from provider_event where provider_reference = %s", event.id
    )
    key = str((await engine.api_keys.create(OPERATOR.acting_for(ground.merchant_id))).secret)
    async with api_client(engine, key) as api:
        path = f"/v1/provider-events/{ids.render('provider_event', event_id)}/replay"
        answer = await api.post(path)
        assert answer.is_success, answer.text
