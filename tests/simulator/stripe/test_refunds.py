from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulator.stripe.shop import (
    authorize,
    books,
    charge_of,
    pay,
    pull,
    refused,
    told_of,
)

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")


async def refund(
    client: stripe.StripeClient, intent: stripe.PaymentIntent, **changes: Any
) -> stripe.Refund:
    request: Any = {"payment_intent": intent.id, **changes}
    return await client.v1.refunds.create_async(request)


async def test_a_charge_is_refunded_in_parts(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client)
    metadata = {"groat_refund": "ref_1"}
    first = await refund(client, intent, amount=50, metadata=metadata, reason="duplicate")
    charge = await charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (50, False)
    second: Any = await client.v1.refunds.create_async({"charge": charge.id})
    assert (first.amount, first.status, second.amount) == (50, "succeeded", 1000)
    assert (first.charge, first.payment_intent, first.reason) == (charge.id, intent.id, "duplicate")
    charge = await charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (1050, True)
    listed = await client.v1.refunds.list_async({"payment_intent": intent.id})
    assert [one.id for one in listed.data] == [second.id, first.id]
    shown = await client.v1.refunds.retrieve_async(first.id)
    assert shown.to_dict() == first.to_dict()
    entries = (await books(stripe_http))["refunds"]
    assert [(one["id"], one["amount"], one["reference"]) for one in entries] == [
        (first.id, 50, "ref_1"),
        (second.id, 1000, None),
    ]
    assert {(one["parent"], one["status"]) for one in entries} == {(charge.id, "succeeded")}


async def test_a_refund_sends_two_events_and_changes_the_balance(
    client: stripe.StripeClient,
) -> None:
    made = await refund(client, await pay(client))
    assert (await told_of(client))[-2:] == ["refund.created", "charge.refunded"]
    transaction = await client.v1.balance_transactions.retrieve_async(str(made.balance_transaction))
    assert (transaction.amount, transaction.fee, transaction.net) == (-1050, 0, -1050)
    assert (transaction.type, transaction.source) == ("refund", made.id)


async def test_refunds_cannot_exceed_the_charge(client: stripe.StripeClient) -> None:
    intent = await authorize(client)
    await client.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 800})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await refund(client, intent, amount=801)
    assert (refusal.value.param, refused(refusal)) == ("amount", (400, None))
    assert "8.01 EUR" in str(refusal.value)
    await refund(client, intent, amount=800)
    for amount in (1, None):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await refund(client, intent, **({} if amount is None else {"amount": amount}))
        assert refused(refusal) == (400, "charge_already_refunded")


@given(amounts=st.lists(st.integers(1, 700), min_size=1, max_size=6))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_refunds_never_add_up_to_more_than_the_charge(
    client: stripe.StripeClient, amounts: list[int]
) -> None:
    intent = await pay(client)
    given_back = 0
    for amount in amounts:
        try:
            given_back += (await refund(client, intent, amount=amount)).amount
        except stripe.InvalidRequestError:
            assert given_back + amount > 1050
    charge = await charge_of(client, intent)
    assert charge.amount_refunded == given_back <= 1050


@pytest.mark.parametrize(
    ("subject", "param"),
    [
        ({"charge": "ch_none"}, "charge"),
        ({"payment_intent": "pi_none"}, "payment_intent"),
        ({}, None),
    ],
)
async def test_a_refund_needs_an_existing_charge_or_intent(
    client: stripe.StripeClient, subject: Any, param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.refunds.create_async(subject)
    assert refusal.value.param == param


async def test_a_payment_without_a_charge_is_not_refunded(client: stripe.StripeClient) -> None:
    for intent in (await authorize(client), await pay(client, confirm=False)):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await refund(client, intent)
        assert "does not have a successful charge" in str(refusal.value)


async def test_a_refund_fails_after_it_succeeded(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client)
    made = await refund(client, intent, amount=400)
    assert await pull(stripe_http, "refund_fails", intent.id) == 200
    failed = await client.v1.refunds.retrieve_async(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    returned = await client.v1.balance_transactions.retrieve_async(
        str(failed.failure_balance_transaction)
    )
    assert (returned.amount, returned.type) == (400, "refund_failure")
    assert (await charge_of(client, intent)).amount_refunded == 0
    assert (await told_of(client))[-3:] == [
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
    ]
    (entry,) = (await books(stripe_http))["refunds"]
    assert (entry["id"], entry["status"]) == (made.id, "declined")
    assert await pull(stripe_http, "refund_fails", intent.id) == 409
    assert (await refund(client, intent)).amount == 1050


async def test_a_refund_can_be_pending_before_it_succeeds(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, payment_method="pm_card_pendingRefund")
    made = await refund(client, intent)
    assert (made.status, made.pending_reason) == ("pending", "processing")
    assert (await books(stripe_http))["refunds"] == []
    assert await pull(stripe_http, "refund_succeeds", intent.id) == 200
    assert (await client.v1.refunds.retrieve_async(made.id)).status == "succeeded"
    assert (await told_of(client))[-2:] == ["refund.updated", "charge.refund.updated"]
    (entry,) = (await books(stripe_http))["refunds"]
    assert (entry["id"], entry["status"]) == (made.id, "succeeded")
    assert await pull(stripe_http, "refund_succeeds", intent.id) == 409


@pytest.mark.parametrize(
    ("payment_method", "at_first", "in_the_end"),
    [
        ("pm_card_refundFail", "succeeded", "failed"),
        ("pm_card_pendingRefund", "pending", "succeeded"),
    ],
)
async def test_some_cards_settle_a_refund_later(
    client: stripe.StripeClient,
    monkeypatch: pytest.MonkeyPatch,
    payment_method: str,
    at_first: str,
    in_the_end: str,
) -> None:
    monkeypatch.setattr("groat.simulator.stripe.account.SETTLING_SECONDS", 0.05)
    made = await refund(client, await pay(client, payment_method=payment_method))
    assert made.status == at_first
    for _ in range(500):
        if (await client.v1.refunds.retrieve_async(made.id)).status != at_first:
            break
    assert (await client.v1.refunds.retrieve_async(made.id)).status == in_the_end
