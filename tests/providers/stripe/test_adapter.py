from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from groat.kernel import ids
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Declined,
    Expired,
    Fact,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.domain.movements import MovementCategory
from groat.providers.port import Answered, Unknown
from groat.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.shop import (
    AMOUNT,
    books,
    cancel_of,
    capture_of,
    facts,
    keys,
    order,
    pull,
    reference,
    refund_of,
)

FEE = 39
BACK = "https://shop.test/back"


async def test_a_payment_is_captured_at_once_and_costs_a_fee(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    request = order()
    reply = await shop.operations.authorize(request)
    (charge,) = (await books(control))["charges"]
    assert isinstance(reply, Answered)
    (report,) = reply.reports
    (moved,) = report.movements
    captured = Captured(charge["id"], AMOUNT)
    assert replace(report, movements=()) == Report(request.payment_id, reference(reply), captured)
    assert moved.key.startswith("txn_")
    assert (moved.category, moved.currency) == (MovementCategory.CHARGE, "EUR")
    assert (moved.gross, moved.fee, moved.net) == (AMOUNT.amount, FEE, AMOUNT.amount - FEE)
    assert (moved.source, moved.parent) == (charge["id"], charge["id"])
    assert charge["reference"] == ids.render("payment", request.payment_id)
    assert await keys(control) == {request.idempotency_key}


async def test_an_authorization_waits_for_its_capture(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    reply = await shop.operations.authorize(order(capture=False))
    (authorized,) = facts(reply)
    assert isinstance(authorized, Authorized)
    assert (authorized.reference, authorized.amount) == (reference(reply), AMOUNT)
    assert authorized.expires_at is not None
    days = authorized.expires_at - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < days <= timedelta(days=7)
    written = await books(control)
    assert [entry["id"] for entry in written["authorizations"]] == [authorized.reference]
    assert written["charges"] == []


@pytest.mark.parametrize("amount", [AMOUNT, Money(1, "EUR")])
async def test_an_authorized_payment_is_captured(
    shop: StripeProvider, control: httpx.AsyncClient, amount: Money
) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    capture = capture_of(request, intent, amount)
    reply = await shop.operations.capture(capture)
    assert isinstance(reply, Answered)
    (report,) = reply.reports
    captured = report.fact
    (charge,) = (await books(control))["charges"]
    assert captured == Captured(charge["id"], amount, final=True)
    (whole,) = report.movements  # what was not captured comes back by a movement of its own
    assert (whole.gross, whole.parent) == (AMOUNT.amount, charge["id"])
    assert (charge["amount"], charge["parent"]) == (amount.amount, intent)
    assert capture.idempotency_key in await keys(control)
    assert await shop.lookups.fetch(capture) == reply


async def test_a_second_capture_reports_the_first(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    first = facts(await shop.operations.capture(capture_of(request, intent)))
    again = replace(capture_of(request, intent), idempotency_key="another")
    assert facts(await shop.operations.capture(again)) == first[:1]
    assert facts(await shop.operations.cancel(cancel_of(request, intent))) == first[:1]
    assert len((await books(control))["charges"]) == 1


async def test_an_amount_above_the_authorization_is_not_captured(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    too_much = capture_of(request, intent, Money(1051, "EUR"))
    refused = Declined(FailureCode.REJECTED_BY_PROVIDER)
    assert facts(await shop.operations.capture(too_much)) == [refused]
    assert (await books(control))["charges"] == []
    retried = replace(capture_of(request, intent), idempotency_key="another")
    assert isinstance(facts(await shop.operations.capture(retried))[0], Captured)


async def test_an_authorization_is_canceled(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    cancel = cancel_of(request, intent)
    assert facts(await shop.operations.cancel(cancel)) == [Canceled()]
    assert cancel.idempotency_key in await keys(control)
    assert facts(await shop.lookups.fetch(cancel)) == [Canceled()]
    assert facts(await shop.operations.cancel(replace(cancel, idempotency_key="another"))) == [
        Canceled()
    ]
    assert facts(await shop.operations.capture(capture_of(request, intent))) == [Canceled()]


async def test_an_authorization_expires(shop: StripeProvider, control: httpx.AsyncClient) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    await pull(control, "expire", intent)
    for reply in (
        await shop.lookups.fetch(cancel_of(request, intent)),
        await shop.operations.cancel(cancel_of(request, intent)),
        await shop.operations.capture(capture_of(request, intent)),
    ):
        assert facts(reply) == [Expired()]


async def test_an_unauthorized_payment_is_not_captured(shop: StripeProvider) -> None:
    request = order("pm_card_authenticationRequired", capture=False)
    intent = reference(await shop.operations.authorize(request))
    refused = Declined(FailureCode.REJECTED_BY_PROVIDER)
    assert facts(await shop.operations.capture(capture_of(request, intent))) == [refused]
    unheard_of = capture_of(request, "pi_none")
    assert facts(await shop.operations.capture(unheard_of)) == [refused]


@pytest.mark.parametrize("capture", [True, False])
@pytest.mark.parametrize(
    ("payment_method", "code"),
    [
        ("pm_card_chargeDeclined", FailureCode.DO_NOT_HONOR),
        ("pm_card_chargeDeclinedInsufficientFunds", FailureCode.INSUFFICIENT_FUNDS),
        ("pm_card_chargeDeclinedLostCard", FailureCode.LOST_OR_STOLEN),
        ("pm_card_chargeDeclinedStolenCard", FailureCode.LOST_OR_STOLEN),
        ("pm_card_chargeDeclinedExpiredCard", FailureCode.EXPIRED_CARD),
        ("pm_card_chargeDeclinedProcessingError", FailureCode.PROCESSING_ERROR),
        ("pm_card_unheardOf", FailureCode.REJECTED_BY_PROVIDER),
    ],
)
async def test_a_card_is_declined(
    shop: StripeProvider, payment_method: str, code: FailureCode, *, capture: bool
) -> None:
    request = order(payment_method, capture=capture)
    reply = await shop.operations.authorize(request)
    declined = Declined(code, stays_open=payment_method != "pm_card_unheardOf")
    assert facts(reply) == [declined]
    assert isinstance(reply, Answered)
    assert reply.reports[0].payment_id == request.payment_id
    found = facts(await shop.lookups.fetch(request))
    assert found == ([] if payment_method == "pm_card_unheardOf" else [declined])


@pytest.mark.parametrize(
    ("payment_method", "currency"),
    [("pm_card_visa", "JPY"), ("pm_card_mastercard", "EUR"), ("pm_card_createDispute", "EUR")],
)
async def test_other_cards_and_currencies_pay(
    shop: StripeProvider, payment_method: str, currency: str
) -> None:
    request = order(payment_method, amount=Money(1050, currency))
    captured = facts(await shop.operations.authorize(request))[0]
    assert isinstance(captured, Captured)
    assert captured.amount == request.amount


async def test_an_amount_that_stripe_cannot_express_is_refused_without_a_call(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    odd = Money(1, "MGA")
    refused = FailureCode.METHOD_NOT_SUPPORTED
    assert facts(await shop.operations.authorize(order(amount=odd))) == [Declined(refused)]
    assert facts(await shop.operations.capture(capture_of(order(), "pi_1", odd))) == [
        Declined(refused)
    ]
    refund = await refund_of(shop, order(), odd)
    assert facts(await shop.operations.refund(refund)) == [RefundFailed(refused)]
    assert (await books(control))["refunds"] == []


@pytest.mark.parametrize("capture", [True, False])
@pytest.mark.parametrize(
    ("how", "passed"), [("complete", True), ("fail", False)], ids=["passes", "fails"]
)
async def test_a_customer_is_sent_to_their_bank(
    shop: StripeProvider, control: httpx.AsyncClient, how: str, *, passed: bool, capture: bool
) -> None:
    request = order("pm_card_authenticationRequired", return_url=BACK, capture=capture)
    reply = await shop.operations.authorize(request)
    (action,) = facts(reply)
    assert isinstance(action, RequiresAction)
    assert action.url is not None
    going_on = replace(request, provider_reference=reference(reply))
    assert facts(await shop.operations.authorize(going_on)) == [action]
    back = await control.post(f"{action.url}/{how}")
    assert back.headers["Location"].startswith(BACK)
    done = facts(await shop.operations.authorize(going_on))
    assert (
        done
        == facts(await shop.lookups.fetch(going_on))
        == facts(await shop.lookups.fetch(request))
    )
    if not passed:
        assert done == [Declined(FailureCode.AUTHENTICATION_FAILED, stays_open=True)]
    else:
        assert [type(fact) for fact in done] == [Captured if capture else Authorized]


async def test_without_a_return_url_the_customer_is_not_redirected(shop: StripeProvider) -> None:
    request = order("pm_card_authenticationRequired")
    assert facts(await shop.operations.authorize(request)) == [RequiresAction(None)]


async def test_a_return_url_does_not_hinder_a_payment_without_redirect(
    shop: StripeProvider,
) -> None:
    assert isinstance(facts(await shop.operations.authorize(order(return_url=BACK)))[0], Captured)


@pytest.mark.parametrize(
    ("payment_method", "fact"),
    [
        ("pm_card_visa", Captured),
        ("pm_card_chargeDeclined", Declined),
        ("pm_card_authenticationRequired", RequiresAction),
    ],
)
async def test_an_unconfirmed_intent_is_confirmed(
    shop: StripeProvider, control: httpx.AsyncClient, payment_method: str, fact: type[Fact]
) -> None:
    form = {"amount": 1050, "currency": "eur", "payment_method": payment_method}
    made = (await control.post("/v1/payment_intents", data=form)).json()
    going_on = order(provider_reference=made["id"], return_url=BACK)
    reply = await shop.operations.authorize(going_on)
    assert isinstance(facts(reply)[0], fact)
    assert reference(reply) == made["id"]
    assert f"{going_on.idempotency_key}/confirm" in await keys(control)
    assert len((await control.get("/v1/payment_intents")).json()["data"]) == 1


async def test_a_continuation_of_a_missing_intent_is_unknown(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    going_on = order(provider_reference="pi_none")
    assert isinstance(await shop.operations.authorize(going_on), Unknown)
    assert isinstance(await shop.lookups.fetch(going_on), Unknown)
    assert (await control.get("/v1/payment_intents")).json()["data"] == []


async def test_a_payment_is_found_by_our_reference(shop: StripeProvider) -> None:
    request = order()
    assert await shop.lookups.fetch(request) == Answered(())
    reply = await shop.operations.authorize(request)
    await shop.operations.authorize(order())
    assert await shop.lookups.fetch(request) == reply
    assert await shop.lookups.fetch(replace(request, provider_reference=reference(reply))) == reply
