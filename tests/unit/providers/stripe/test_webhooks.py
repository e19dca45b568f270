from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.providers.domain.facts import Captured, Report
from groat.providers.port import Answered, Envelope, NotOurs, Rejection, Unreadable
from groat.providers.stripe.adapter import StripeProvider
from groat.simulator.signatures import stripe_signature

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[StripeProvider]:
    credentials = {"api_key": "sk_test", "webhook_secret": "whsec_old,whsec_new"}
    adapter = StripeProvider(credentials, timeout_seconds=1)
    yield adapter
    await adapter.close()


async def test_an_event_of_interest_is_read(provider: StripeProvider) -> None:
    intent = {
        "object": "payment_intent",
        "id": "pi_1",
        "status": "succeeded",
        "currency": "eur",
        "amount_received": 1050,
        "latest_charge": "ch_1",
    }
    body = json.dumps({"data": {"object": intent}}).encode()
    captured = Report(None, "pi_1", Captured("ch_1", Money(1050, "EUR")))
    reply = await provider.webhooks.interpret("payment_intent.succeeded", body)
    assert reply == Answered((captured,))


async def test_webhooks_are_verified_with_every_active_secret(provider: StripeProvider) -> None:
    for secret in ("whsec_old", "whsec_new"):
        header = stripe_signature(secret, b"{}", int(NOW.timestamp()))
        assert await provider.webhooks.verify({"stripe-signature": header}, b"{}", NOW) is None
    stranger = {"stripe-signature": stripe_signature("whsec_x", b"{}", int(NOW.timestamp()))}
    rejection = await provider.webhooks.verify(stranger, b"{}", NOW)
    assert rejection is Rejection.SIGNATURE_MISMATCH
    assert await provider.webhooks.verify({}, b"{}", NOW) is Rejection.SIGNATURE_MISSING


def test_an_envelope_has_the_events_id_and_type(provider: StripeProvider) -> None:
    body = b'{"id":"evt_1","type":"charge.succeeded","data":{}}'
    assert provider.webhooks.envelope({}, body) == Envelope("evt_1", "charge.succeeded")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"id": "evt_1"},
        {"id": "", "type": "a"},
        {"id": 1, "type": "a"},
        {"id": "a\x00", "type": "a"},
    ],
)
def test_an_event_without_an_id_is_malformed(
    provider: StripeProvider, event: dict[str, object]
) -> None:
    assert provider.webhooks.envelope({}, json.dumps(event).encode()) is Rejection.BODY_MALFORMED


@given(st.binary())
async def test_any_bytes_get_an_answer(provider: StripeProvider, body: bytes) -> None:
    assert provider.webhooks.envelope({}, body) is Rejection.BODY_MALFORMED
    assert isinstance(await provider.webhooks.interpret("charge.succeeded", body), Unreadable)


@pytest.mark.parametrize("about", [{}, [], None, {"object": "charge"}, {"object": "payout"}])
async def test_an_unreadable_event_of_interest_is_retried(
    provider: StripeProvider, about: object
) -> None:
    body = json.dumps({"data": {"object": about}}).encode()
    assert isinstance(await provider.webhooks.interpret("charge.succeeded", body), Unreadable)


@pytest.mark.parametrize("kind", ["payout.paid", "charge.pending", "v2.core.event"])
async def test_other_events_report_no_fact(provider: StripeProvider, kind: str) -> None:
    assert await provider.webhooks.interpret(kind, b"anything") == Answered(())
    assert provider.webhooks.read(kind, b"anything") == Answered(())


@pytest.mark.parametrize(
    ("kind", "charge", "event", "needs_call"),
    [
        ("charge.succeeded", {"balance_transaction": "txn_1"}, {}, False),
        ("charge.updated", {"balance_transaction": "txn_1"}, {}, False),
        ("charge.updated", {"balance_transaction": None}, {"balance_transaction": None}, False),
        ("charge.updated", {"balance_transaction": "txn_1"}, {"balance_transaction": None}, True),
        ("charge.failed", {}, {}, False),
        ("charge.failed", {"failure_balance_transaction": "txn_2"}, {}, True),
    ],
)
def test_an_event_that_names_a_new_movement_needs_a_call_to_stripe(
    provider: StripeProvider,
    kind: str,
    charge: dict[str, object],
    event: dict[str, object],
    *,
    needs_call: bool,
) -> None:
    about = {
        "object": "charge",
        "id": "ch_1",
        "status": "succeeded",
        "captured": True,
        "currency": "eur",
        "amount": 1050,
        "amount_captured": 1050,
        "payment_intent": "pi_1",
        **charge,
    }
    body = json.dumps({"data": {"object": about, "previous_attributes": event}}).encode()
    assert (provider.webhooks.read(kind, body) is None) == needs_call


def test_a_thin_event_needs_a_call_to_stripe(provider: StripeProvider) -> None:
    assert isinstance(provider.webhooks.read("charge.succeeded", b"anything"), Unreadable)
    assert provider.webhooks.read("v1.charge.succeeded", b"anything") is None
    assert provider.webhooks.read("v1.payout.paid", b"anything") == Answered(())


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({"account": "acct_2"}, NotOurs("foreign")),
        ({"livemode": True}, NotOurs("livemode")),
        ({"livemode": False, "account": "acct_1"}, Unreadable),
        ({}, Unreadable),
    ],
)
async def test_a_foreign_event_can_be_unreadable(origin: dict[str, object], said: object) -> None:
    credentials = {"api_key": "sk_test_1", "account": "acct_1"}
    adapter = StripeProvider(credentials, timeout_seconds=1)
    body = json.dumps({"data": {"object": {"object": "unheard_of"}}, **origin}).encode()
    told = adapter.webhooks.read("charge.succeeded", body)
    assert isinstance(told, said) if isinstance(said, type) else told == said
    await adapter.close()


@pytest.mark.parametrize(
    ("api_key", "livemode", "ours"),
    [
        ("sk_live_1", True, True),
        ("rk_live_1", False, False),
        ("sk_test_1", True, False),
        ("rk_test_1", False, True),
        ("a key of a form yet to come", True, True),
        ("a key of a form yet to come", False, True),
    ],
)
async def test_events_of_the_other_mode_are_foreign(
    api_key: str,
    livemode: bool,  # noqa: FBT001 - a case
    ours: bool,  # noqa: FBT001 - a case
) -> None:
    adapter = StripeProvider({"api_key": api_key}, timeout_seconds=1)
    body = json.dumps({"livemode": livemode}).encode()
    told = adapter.webhooks.read("customer.created", body)
    assert told == (Answered(()) if ours else NotOurs("livemode"))
    await adapter.close()
