from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

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


async def disputed(client: stripe.StripeClient) -> tuple[stripe.PaymentIntent, stripe.Dispute]:
    intent = await pay(client, payment_method="pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async({"payment_intent": intent.id})).data
    return intent, dispute


async def hand_in(
    client: stripe.StripeClient, dispute: stripe.Dispute, **evidence: str
) -> stripe.Dispute:
    request: Any = {"evidence": evidence}
    return await client.v1.disputes.update_async(dispute.id, request)


async def moved(client: stripe.StripeClient, dispute: stripe.Dispute) -> list[int]:
    """Return what the dispute has changed the balance by."""
    shown = await client.v1.disputes.retrieve_async(dispute.id)
    return [transaction.amount for transaction in shown.balance_transactions]


async def test_a_card_is_disputed_as_soon_as_it_is_charged(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent, dispute = await disputed(client)
    assert (dispute.amount, dispute.currency, dispute.status) == (1050, "eur", "needs_response")
    assert (dispute.charge, dispute.payment_intent) == (intent.latest_charge, intent.id)
    assert (await charge_of(client, intent)).disputed
    assert await moved(client, dispute) == [-1050]
    assert (await told_of(client))[-3:] == [
        "payment_intent.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    (entry,) = (await books(stripe_http))["disputes"]
    assert (entry["id"], entry["amount"], entry["parent"]) == (dispute.id, 1050, dispute.charge)
    assert entry["status"] == "succeeded"


async def test_only_a_captured_charge_can_be_disputed(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await authorize(client)
    assert await pull(stripe_http, "dispute", intent.id) == 409
    await client.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 900})
    await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 100})
    assert await pull(stripe_http, "dispute", intent.id) == 200
    assert await pull(stripe_http, "dispute", intent.id) == 409
    assert [dispute.amount for dispute in (await client.v1.disputes.list_async()).data] == [800]


async def test_a_disputed_charge_is_not_refunded_unless_it_was_won(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent, _ = await disputed(client)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refused(refusal) == (400, "charge_disputed")
    assert await pull(stripe_http, "dispute_won", intent.id) == 200
    assert (await client.v1.refunds.create_async({"payment_intent": intent.id})).amount == 1050


async def test_evidence_is_stored_and_submitted(client: stripe.StripeClient) -> None:
    _, dispute = await disputed(client)
    kept = await client.v1.disputes.update_async(
        dispute.id, {"evidence": {"customer_name": "Ada"}, "submit": False}
    )
    assert (kept.status, kept.evidence.customer_name) == ("needs_response", "Ada")
    handed_in = await hand_in(client, dispute, product_description="A loom")
    assert (handed_in.status, handed_in.evidence.customer_name) == ("under_review", "Ada")
    assert handed_in.evidence_details.submission_count == 1
    assert (await told_of(client))[-2:] == ["charge.dispute.updated"] * 2
    with pytest.raises(stripe.InvalidRequestError):
        await hand_in(client, dispute, customer_name="Ada")


async def test_an_unknown_kind_of_evidence_is_refused_by_name(client: stripe.StripeClient) -> None:
    _, dispute = await disputed(client)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await hand_in(client, dispute, colour="red")
    assert refusal.value.param == "evidence[colour]"


@pytest.mark.parametrize("how", ["trigger", "evidence"])
async def test_a_dispute_is_won_and_the_money_comes_back(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, how: str
) -> None:
    intent, dispute = await disputed(client)
    if how == "trigger":
        assert await pull(stripe_http, "dispute_won", intent.id) == 200
    else:
        await hand_in(client, dispute, uncategorized_text="winning_evidence")
    assert (await client.v1.disputes.retrieve_async(dispute.id)).status == "won"
    assert await moved(client, dispute) == [-1050, 1050]
    assert (await told_of(client))[-2:] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    (entry,) = (await books(stripe_http))["disputes"]
    assert entry["status"] == "declined"
    for trigger in ("dispute_won", "dispute_lost", "dispute"):
        assert await pull(stripe_http, trigger, intent.id) == 409


@pytest.mark.parametrize("how", ["trigger", "evidence", "close"])
async def test_a_lost_dispute_stays_lost(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, how: str
) -> None:
    intent, dispute = await disputed(client)
    match how:
        case "trigger":
            assert await pull(stripe_http, "dispute_lost", intent.id) == 200
        case "evidence":
            await hand_in(client, dispute, uncategorized_text="losing_evidence")
        case _:
            assert (await client.v1.disputes.close_async(dispute.id)).status == "lost"
    assert (await client.v1.disputes.retrieve_async(dispute.id)).status == "lost"
    assert await moved(client, dispute) == [-1050]
    assert (await told_of(client))[-1] == "charge.dispute.closed"
    (entry,) = (await books(stripe_http))["disputes"]
    assert entry["status"] == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.disputes.close_async(dispute.id)
