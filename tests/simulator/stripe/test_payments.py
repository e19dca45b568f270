"""Payments that are not taken at once: confirmed, captured, canceled or authenticated later."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from groat.simulator.stripe.balance import fee_on
from tests.simulator.stripe.shop import (
    authorize,
    books,
    charge_of,
    decline,
    order,
    pay,
    pull,
    refused,
    told_of,
)
from tests.support.clock import ManualClock

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

WITH_FEE: Any = {"expand": ["latest_charge.balance_transaction"]}
BACK = "https://shop.test/back?order=7"


async def test_an_authorization_charges_nothing(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    intent = await authorize(client)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "requires_capture",
        1050,
        0,
    )
    charge = await charge_of(client, intent)
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, False, 0)
    assert charge.balance_transaction is None
    details: Any = charge.payment_method_details
    assert details.card.capture_before == int(clock.now().timestamp()) + 7 * 24 * 3600
    assert await told_of(client) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]
    written = await books(stripe_http)
    (authorization,) = written["authorizations"]
    assert (authorization["id"], authorization["amount"]) == (intent.id, 1050)
    assert (authorization["reference"], authorization["status"]) == ("pay_1", "succeeded")
    assert written["charges"] == []


@pytest.mark.parametrize(("amount", "taken"), [(None, 1050), (1050, 1050), (1, 1)])
async def test_an_authorization_is_captured_once(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, amount: int | None, taken: int
) -> None:
    intent = await authorize(client)
    part: Any = {} if amount is None else {"amount_to_capture": amount}
    captured = await client.v1.payment_intents.capture_async(intent.id, part)
    assert (captured.status, captured.amount_received) == ("succeeded", taken)
    assert captured.amount_capturable == 0
    charge = await charge_of(client, captured)
    assert (charge.captured, charge.amount_captured, charge.amount) == (True, taken, 1050)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert (await told_of(client))[-2:] == ["charge.captured", "payment_intent.succeeded"]
    (entry,) = (await books(stripe_http))["charges"]
    assert (entry["id"], entry["amount"], entry["parent"]) == (charge.id, taken, intent.id)


async def test_a_capture_cannot_exceed_the_authorization(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await authorize(client)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1051})
    assert refused(refusal) == (400, "amount_too_large")
    assert (await books(stripe_http))["charges"] == []


@pytest.mark.parametrize("ending", ["capture", "cancel"])
async def test_an_ended_intent_is_neither_captured_nor_canceled(
    client: stripe.StripeClient, ending: str
) -> None:
    intents = client.v1.payment_intents
    intent = await authorize(client)
    ended = await getattr(intents, f"{ending}_async")(intent.id)
    for again in (intents.capture_async, intents.cancel_async, intents.confirm_async):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await again(intent.id)
        assert refused(refusal) == (400, "payment_intent_unexpected_state")
        body: Any = refusal.value.json_body
        assert body["error"]["payment_intent"] == ended.to_dict()


async def test_a_refusal_is_stored_under_its_key(client: stripe.StripeClient) -> None:
    intents = client.v1.payment_intents
    options: Any = {"idempotency_key": "too early"}
    intent = await authorize(client, confirm=False)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await intents.capture_async(intent.id, {}, options)
        assert refused(refusal) == (400, "payment_intent_unexpected_state")
        if intent.status == "requires_confirmation":
            intent = await intents.confirm_async(intent.id)
    assert (await intents.capture_async(intent.id)).status == "succeeded"


async def test_a_canceled_authorization_is_released(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await authorize(client)
    canceled = await client.v1.payment_intents.cancel_async(
        intent.id, {"cancellation_reason": "abandoned"}
    )
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert canceled.canceled_at is not None
    charge = await charge_of(client, canceled)
    # Since 2025-03-31 this is no refund.
    assert (charge.captured, charge.refunded, charge.amount_refunded) == (False, False, 0)
    assert (await told_of(client))[-1] == "payment_intent.canceled"
    assert (await books(stripe_http))["charges"] == []


async def test_an_authorization_expires(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await authorize(client)
    assert await pull(stripe_http, "expire", intent.id) == 200
    expired = await client.v1.payment_intents.retrieve_async(intent.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "expired")
    assert (await told_of(client))[-2:] == ["charge.expired", "payment_intent.canceled"]
    last = (await client.v1.events.list_async({"limit": 1})).data[0]
    assert last.request is not None
    assert last.request.id is None
    assert await pull(stripe_http, "expire", intent.id) == 409


async def test_a_declined_authorization_is_in_the_books(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    error = await decline(client, "pm_card_chargeDeclined", capture_method="manual")
    written = await books(stripe_http)
    (authorization,) = written["authorizations"]
    assert (authorization["id"], authorization["status"]) == (
        error.payment_intent["id"],
        "declined",
    )
    assert written["charges"] == []


async def test_an_intent_is_confirmed_later(client: stripe.StripeClient) -> None:
    intent = await pay(client, confirm=False)
    assert (intent.status, intent.latest_charge) == ("requires_confirmation", None)
    confirmed = await client.v1.payment_intents.confirm_async(intent.id)
    assert (confirmed.status, confirmed.amount_received) == ("succeeded", 1050)


async def test_an_intent_gets_its_method_when_it_is_confirmed(client: stripe.StripeClient) -> None:
    intents = client.v1.payment_intents
    intent = await pay(client, confirm=False, payment_method="")
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await intents.confirm_async(intent.id)
    assert refused(refusal) == (400, "payment_intent_unexpected_state")
    with pytest.raises(stripe.CardError):
        await intents.confirm_async(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    confirmed = await intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert (confirmed.status, confirmed.last_payment_error) == ("succeeded", None)
    charges = await client.v1.charges.list_async({"payment_intent": intent.id})
    assert [charge.paid for charge in charges.data] == [True, False]


async def test_the_fee_is_shown_where_it_is_expanded(client: stripe.StripeClient) -> None:
    charge: Any = (await pay(client, **WITH_FEE)).latest_charge
    transaction = charge.balance_transaction
    assert (transaction.amount, transaction.fee, transaction.net) == (1050, 39, 1011)
    assert (transaction.source, transaction.type) == (charge.id, "charge")
    shown = await client.v1.balance_transactions.retrieve_async(transaction.id)
    assert shown.to_dict() == transaction.to_dict()


async def test_lists_are_expanded_too(client: stripe.StripeClient) -> None:
    await authorize(client)
    await pay(client)
    expand: Any = {"expand": ["data.latest_charge.balance_transaction"]}
    intents: Any = (await client.v1.payment_intents.list_async(expand)).data
    assert [intent.latest_charge.captured for intent in intents] == [True, False]
    fees = [intent.latest_charge.balance_transaction for intent in intents]
    assert (fees[0].fee, fees[1]) == (39, None)


async def test_a_charge_shows_its_intent(client: stripe.StripeClient) -> None:
    intent = await pay(client)
    expand: Any = {"expand": ["payment_intent.latest_charge"]}
    charge: Any = await client.v1.charges.retrieve_async(str(intent.latest_charge), expand)
    assert charge.payment_intent.latest_charge.id == charge.id


@pytest.mark.parametrize("path", ["currency", "colour", "latest_charge.id", "metadata.shelf"])
async def test_a_field_that_is_no_object_is_not_expanded(
    client: stripe.StripeClient, path: str
) -> None:
    intent = await pay(client)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.payment_intents.retrieve_async(intent.id, {"expand": [path]})
    assert refusal.value.param == "expand"


async def test_a_refused_expansion_charges_only_once(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    options: Any = {"idempotency_key": "key_1"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.payment_intents.create_async(order(expand=["colour"]), options)
    assert len((await books(stripe_http))["charges"]) == 1


@given(st.integers(1, 99_999_999))
def test_a_fee_never_exceeds_the_charge(amount: int) -> None:
    assert 0 < fee_on(amount) <= amount
    assert fee_on(amount) <= fee_on(amount + 1)


async def redirected(client: stripe.StripeClient, **changes: Any) -> tuple[str, str]:
    """Return the id of an intent whose customer has to act, and where."""
    card = changes.pop("payment_method", "pm_card_authenticationRequired")
    intent: Any = await pay(client, payment_method=card, return_url=BACK, **changes)
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.return_url == BACK
    return intent.id, intent.next_action.redirect_to_url.url


async def test_a_customer_passes_the_banks_page(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent_id, url = await redirected(client)
    page = await stripe_http.get(url)
    assert "10.50 EUR" in page.text
    assert (await books(stripe_http))["charges"] == []
    back = await stripe_http.post(f"{url}/complete")
    assert back.status_code == 303
    asked = httpx.URL(back.headers["Location"])
    assert (asked.host, asked.params["order"]) == ("shop.test", "7")
    assert (asked.params["payment_intent"], asked.params["redirect_status"]) == (
        intent_id,
        "succeeded",
    )
    intent = await client.v1.payment_intents.retrieve_async(intent_id)
    assert (intent.status, intent.next_action, intent.amount_received) == ("succeeded", None, 1050)
    assert await told_of(client) == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    for gone in ("", "/complete", "/fail"):
        ask = stripe_http.post if gone else stripe_http.get
        assert (await ask(url + gone)).status_code == 404


async def test_a_customer_fails_on_the_banks_page(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent_id, url = await redirected(client)
    back = await stripe_http.post(f"{url}/fail")
    assert httpx.URL(back.headers["Location"]).params["redirect_status"] == "failed"
    intent = await client.v1.payment_intents.retrieve_async(intent_id)
    assert (intent.status, intent.latest_charge) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert (await told_of(client))[-1] == "payment_intent.payment_failed"
    written = await books(stripe_http)
    assert (written["charges"], written["authorizations"]) == ([], [])


async def test_an_authenticated_customer_can_still_be_declined(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent_id, url = await redirected(client, payment_method=card)
    back = await stripe_http.post(f"{url}/complete")
    assert httpx.URL(back.headers["Location"]).params["redirect_status"] == "failed"
    intent = await client.v1.payment_intents.retrieve_async(intent_id)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "insufficient_funds"


async def test_an_authorization_can_require_the_customer(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent_id, _ = await redirected(client, capture_method="manual")
    assert await pull(stripe_http, "complete_action", intent_id) == 200
    intent = await client.v1.payment_intents.retrieve_async(intent_id)
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1050)
    assert await pull(stripe_http, "complete_action", intent_id) == 409


async def test_without_a_return_url_the_customer_stays_in_the_shop(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent: Any = await pay(client, payment_method="pm_card_authenticationRequired")
    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    assert await pull(stripe_http, "fail_action", intent.id) == 200
    assert await pull(stripe_http, "fail_action", intent.id) == 409
    again = await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_authenticationRequired", "return_url": BACK}
    )
    assert again.next_action is not None
    assert again.next_action.type == "redirect_to_url"


async def test_a_customer_without_a_return_url_stays_at_the_bank(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, payment_method="pm_card_authenticationRequired")
    page = await stripe_http.post(f"/3d_secure/{intent.id}/complete")
    assert (page.status_code, "Thank you" in page.text) == (200, True)
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_an_intent_that_waits_for_the_customer_can_be_canceled(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent_id, url = await redirected(client)
    canceled = await client.v1.payment_intents.cancel_async(intent_id)
    assert (canceled.status, canceled.next_action) == ("canceled", None)
    assert (await stripe_http.post(f"{url}/complete")).status_code == 404


async def test_a_trigger_for_an_unknown_payment_is_refused(stripe_http: httpx.AsyncClient) -> None:
    for trigger in ("expire", "complete_action", "dispute", "dispute_won", "refund_fails"):
        assert await pull(stripe_http, trigger, "pi_none") == 409
    assert await pull(stripe_http, "unheard_of", "pi_none") == 404


async def test_an_intent_can_allow_redirects(client: stripe.StripeClient) -> None:
    methods: Any = {"enabled": True, "allow_redirects": "always"}
    wish = order("pm_card_visa", automatic_payment_methods=methods, return_url=BACK)
    del wish["payment_method_types"]
    intent = await client.v1.payment_intents.create_async(wish)
    assert intent.automatic_payment_methods is not None
    assert intent.automatic_payment_methods.allow_redirects == "always"


@pytest.mark.parametrize(
    ("currency", "units", "minor_units", "fee"),
    [("isk", 105_000, 1_050, 1_400), ("mga", 1_050, 105_000, 39), ("eur", 1_050, 1_050, 39)],
)
async def test_the_books_hold_minor_units_in_every_currency(
    client: stripe.StripeClient,
    stripe_http: httpx.AsyncClient,
    currency: str,
    units: int,
    minor_units: int,
    fee: int,
) -> None:
    charge: Any = (await pay(client, amount=units, currency=currency, **WITH_FEE)).latest_charge
    (entry,) = (await books(stripe_http))["charges"]
    assert (entry["amount"], entry["currency"]) == (minor_units, currency.upper())
    assert (charge.amount, charge.balance_transaction.fee) == (units, fee)
