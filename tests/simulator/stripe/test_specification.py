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

from groat.simulator.stripe import balance_requests, requests, wallet_requests

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
    (requests.UpdateIntentRequest, params.PaymentIntentUpdateParams),
    (requests.MetadataRequest, params.RefundUpdateParams),
    (balance_requests.PageOfTransactions, params.BalanceTransactionListParams),
    (balance_requests.PayoutRequest, params.PayoutCreateParams),
    (balance_requests.PageOfPayouts, params.PayoutListParams),
    (balance_requests.TopupRequest, params.TopupCreateParams),
    (balance_requests.TransferRequest, params.TransferCreateParams),
    (balance_requests.ReversalRequest, params.TransferCreateReversalParams),
    (balance_requests.ConnectedAccountRequest, params.AccountCreateParams),
    (balance_requests.ReportRunRequest, params.reporting.ReportRunCreateParams),
    (wallet_requests.CustomerRequest, params.CustomerCreateParams),
    (wallet_requests.PaymentMethodRequest, params.PaymentMethodCreateParams),
    (wallet_requests.AttachRequest, params.PaymentMethodAttachParams),
    (wallet_requests.PageOfMethods, params.PaymentMethodListParams),
    (wallet_requests.PageOfCustomers, params.CustomerListParams),
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


async def test_responses_have_the_fields_of_the_specification(
    stripe_http: httpx.AsyncClient,
) -> None:
    for name, shown, specified in await _shown(stripe_http):
        fields = {
            field for base in specified.__mro__ for field in getattr(base, "__annotations__", {})
        }
        assert set(shown) - {"payment_intent"} <= fields | {"object"}, name


async def _shown_of_the_balance(http: httpx.AsyncClient) -> list[tuple[str, Any, type]]:
    """Return the objects about the balance, each with what the SDK reads it as."""

    async def post(path: str, **data: str) -> Any:
        reply = await http.post(path, data=data)
        assert reply.status_code == 200, reply.text
        return reply.json()

    card = {"payment_method": "pm_card_bypassPending", "currency": "usd", "confirm": "true"}
    await post(INTENTS, amount="9000", **card)
    payout = await post("/v1/payouts", amount="100", currency="usd")
    topup = await post("/v1/topups", amount="100", currency="usd")
    transfer = await post("/v1/transfers", amount="100", currency="usd", destination="acct_1")
    reversal = await post(f"/v1/transfers/{transfer['id']}/reversals")
    connected, customer = await post("/v1/accounts"), await post("/v1/customers")
    interval = {"parameters[interval_start]": "0", "parameters[interval_end]": "9"}
    run = await post("/v1/reporting/report_runs", report_type="payouts.itemized.3", **interval)
    done = (await http.get(f"/v1/reporting/report_runs/{run['id']}")).json()
    balance = (await http.get("/v1/balance")).json()
    method = await post("/v1/payment_methods/pm_card_visa/attach", customer=customer["id"])
    return [
        ("payout", payout, stripe.Payout),
        ("topup", topup, stripe.Topup),
        ("transfer", transfer, stripe.Transfer),
        ("reversal", reversal, stripe.TransferReversal),
        ("account", connected, stripe.Account),
        ("customer", customer, stripe.Customer),
        ("report run", done, stripe.reporting.ReportRun),
        ("file", done["result"], stripe.File),
        ("balance", balance, stripe.Balance),
        ("available", balance["available"][0], stripe.Balance.Available),
        ("method", method, stripe.PaymentMethod),
    ]


async def test_objects_of_the_balance_have_the_fields_of_the_specification(
    stripe_http: httpx.AsyncClient,
) -> None:
    for name, shown, specified in await _shown_of_the_balance(stripe_http):
        fields = {
            field for base in specified.__mro__ for field in getattr(base, "__annotations__", {})
        }
        assert set(shown) <= fields | {"object"}, name
