"""The stand-in against Stripe's own specification, from which the official SDK is made.

What the stand-in shows, and what it takes, are fields that the specification has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from pydantic import BaseModel
from stripe import params

from groat.simulator.stripe import requests

INTENTS = "/v1/payment_intents"
PAID = {
    "amount": "1050",
    "currency": "usd",
    "confirm": "true",
    "capture_method": "automatic",
}

PARAMETERS: list[tuple[type[BaseModel], type]] = [
    (requests.ConfirmRequest, params.PaymentIntentConfirmParams),
    (requests.CaptureIntentRequest, params.PaymentIntentCaptureParams),
    (requests.CancelIntentRequest, params.PaymentIntentCancelParams),
    (requests.CreateRefundRequest, params.RefundCreateParams),
    (requests.DisputeRequest, params.DisputeModifyParams),
    (requests.WebhookEndpointRequest, params.WebhookEndpointCreateParams),
    (requests.PageOfIntents, params.PaymentIntentListParams),
    (requests.PageOfEvents, params.EventListParams),
    (requests.Search, params.PaymentIntentSearchParams),
    (requests.PageOfCharges, params.ChargeListParams),
    (requests.PageOfPayment, params.RefundListParams),
    (requests.PageOfPayment, params.DisputeListParams),
]


@pytest.mark.parametrize(("taken", "specified"), PARAMETERS)
def test_parameters_are_those_of_the_specification(taken: type[BaseModel], specified: type) -> None:
    assert set(taken.model_fields) <= set(specified.__annotations__)


def test_an_intents_parameters_are_those_of_the_specification() -> None:
    taken = set(requests.PaymentIntentRequest.model_fields)
    of_earlier_versions = {"payment_method_types"}
    assert taken - of_earlier_versions <= set(params.PaymentIntentCreateParams.__annotations__)


async def _shown(http: httpx.AsyncClient) -> Iterator[tuple[str, Any, type]]:
    """Return the objects that the stand-in shows, each with what the SDK reads it as."""

    async def intent(method: str, **more: str) -> Any:
        data = {**PAID, "payment_method": method, **more}
        return (await http.post(INTENTS, data=data)).json()

    async def get(path: str) -> Any:
        return (await http.get(path)).json()

    paid, debit = await intent("pm_card_visa"), await intent("pm_usBankAccount_success")
    held = await intent("pm_card_visa", capture_method="manual")
    waiting = await intent("pm_card_authenticationRequired", return_url="https://shop.example")
    declined = (await intent("pm_card_chargeDeclined"))["error"]
    await intent("pm_card_createDispute")
    refund = (await http.post("/v1/refunds", data={"charge": paid["latest_charge"]})).json()
    charges = [await get(f"/v1/charges/{one['latest_charge']}") for one in (paid, debit, held)]
    transaction = await get(f"/v1/balance_transactions/{charges[0]['balance_transaction']}")
    dispute = (await get("/v1/disputes"))["data"][0]
    event = (await get("/v1/events"))["data"][0]
    endpoint = {"url": "https://shop.example", "enabled_events[]": "*"}
    intents, charge = stripe.PaymentIntent, stripe.Charge
    details = charges[0]["payment_method_details"]
    account = charges[1]["payment_method_details"]
    return iter(
        [
            *((f"intent {one['status']}", one, intents) for one in (paid, debit, held, waiting)),
            ("action", waiting["next_action"], intents.NextAction),
            ("last error", declined, intents.LastPaymentError),
            *(("charge", one, charge) for one in charges),
            ("billing", charges[0]["billing_details"], charge.BillingDetails),
            ("outcome", charges[0]["outcome"], charge.Outcome),
            ("card", details["card"], charge.PaymentMethodDetails.Card),
            ("bank", account["us_bank_account"], charge.PaymentMethodDetails.UsBankAccount),
            ("refund", refund, stripe.Refund),
            ("transaction", transaction, stripe.BalanceTransaction),
            ("fee", transaction["fee_details"][0], stripe.BalanceTransaction.FeeDetail),
            ("dispute", dispute, stripe.Dispute),
            ("evidence", dispute["evidence"], stripe.Dispute.Evidence),
            ("event", event, stripe.Event),
            (
                "endpoint",
                (await http.post("/v1/webhook_endpoints", data=endpoint)).json(),
                stripe.WebhookEndpoint,
            ),
        ]
    )


async def test_what_is_shown_has_the_fields_of_the_specification(
    stripe_http: httpx.AsyncClient,
) -> None:
    for name, shown, specified in await _shown(stripe_http):
        fields = {
            field for base in specified.__mro__ for field in getattr(base, "__annotations__", {})
        }
        assert set(shown) - {"payment_intent"} <= fields | {"object"}, name
