from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import OperationId, PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.operation import idempotency_key
from groat.providers.paypal import bodies
from groat.providers.port import OrderDetails, payment_reference
from groat.simulator.paypal.requests import OrderRequest
from tests.support.paypal_requests import (
    PAYMENT_ID,
    REFUND_ID,
    authorize_request,
    capture_request,
    refund_request,
)

AMOUNT = {"currency_code": "EUR", "value": "10.50"}


RETURN_URL = "https://shop.example/back"
BACK = {"return_url": RETURN_URL, "cancel_url": RETURN_URL}


@pytest.mark.parametrize(("capture", "intent"), [(True, "CAPTURE"), (False, "AUTHORIZE")])
def test_an_order_carries_our_id_and_the_amount_in_full(
    capture: bool,  # noqa: FBT001 - a case
    intent: str,
) -> None:
    request = authorize_request(capture=capture)
    unit = {
        "custom_id": payment_reference(PAYMENT_ID),
        "invoice_id": request.idempotency_key,
        "amount": AMOUNT,
    }
    assert bodies.order(request) == {
        "intent": intent,
        "purchase_units": [unit],
        "payment_source": {"card": {"vault_id": "vault_visa"}},
    }


def test_an_order_carries_the_merchants_details_within_paypals_limits() -> None:
    details = OrderDetails("r" * 255, "Two books", "GROAT 7", "customer-7", "a@shop.example")
    request = replace(authorize_request(None, return_url=RETURN_URL), details=details)
    body = bodies.order(request)
    order = OrderRequest.model_validate(body)  # the limits of Orders v2
    unit = order.purchase_units[0]
    assert (unit.description, unit.soft_descriptor) == ("Two books", "GROAT 7")
    assert unit.invoice_id == f"{'r' * 80} {request.idempotency_key}"
    assert order.payment_source is not None
    assert order.payment_source.paypal is not None
    assert order.payment_source.paypal.email_address == "a@shop.example"


def test_an_invoice_id_names_the_operation() -> None:
    operation_id = OperationId(ids.uuid7())
    key = idempotency_key(operation_id)
    assert bodies.own_operation(key) == operation_id
    assert bodies.own_operation(f"order 7 {key}") == operation_id
    assert bodies.own_operation("order 7") is None
    assert bodies.own_operation(None) is None


@pytest.mark.parametrize(
    ("method", "source"),
    [
        ("card:8kk8451t", {"card": {"vault_id": "8kk8451t"}}),
        ("paypal:8kk8451t", {"paypal": {"vault_id": "8kk8451t"}}),
    ],
)
def test_a_saved_payment_method_is_named_by_its_vault_id(
    method: str, source: dict[str, dict[str, str]]
) -> None:
    body = bodies.order(authorize_request(method))
    assert isinstance(body, dict)
    assert body["payment_source"] == source


@pytest.mark.parametrize(
    ("method", "kind", "more"),
    [
        ("card:8kk8451t", "card", {"vault_id": "8kk8451t"}),
        ("paypal:8kk8451t", "paypal", {"vault_id": "8kk8451t"}),
        (None, "paypal", {}),
    ],
)
def test_each_payment_source_has_the_return_url(
    method: str | None, kind: str, more: dict[str, str]
) -> None:
    body = bodies.order(authorize_request(method, return_url=RETURN_URL))
    assert isinstance(body, dict)
    said = {**BACK, "user_action": "PAY_NOW"} if kind == "paypal" else BACK
    assert body["payment_source"] == {kind: {**more, "experience_context": said}}
    assert "application_context" not in body  # deprecated


@pytest.mark.parametrize(
    ("method", "return_url"),
    [
        (None, None),
        ("", RETURN_URL),
        ("vault_visa", RETURN_URL),
        ("card:", RETURN_URL),
        ("bank:1", RETURN_URL),
        ("card:../1", RETURN_URL),
        ("card:" + "x" * 256, RETURN_URL),
    ],
)
def test_a_payment_method_unknown_to_paypal_is_refused(
    method: str | None, return_url: str | None
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bodies.order(authorize_request(method, return_url=return_url))
    assert caught.value.code == "invalid_payment_method"


@pytest.mark.parametrize("final", [True, False])
def test_a_capture_says_whether_it_is_final(final: bool) -> None:  # noqa: FBT001 - a case
    request = capture_request(final=final)
    assert bodies.capture(request) == {
        "amount": AMOUNT,
        "final_capture": final,
        "invoice_id": request.idempotency_key,
    }


def test_a_refund_carries_both_of_our_ids_in_characters_that_paypal_accepts() -> None:
    body = bodies.refund(refund_request())
    assert isinstance(body, dict)
    assert body["amount"] == AMOUNT
    custom_id = body["custom_id"]
    assert isinstance(custom_id, str)
    assert re.fullmatch(r"[A-Za-z0-9-_.,]{1,127}", custom_id)
    assert bodies.own_ids(custom_id) == (PAYMENT_ID, REFUND_ID)


@given(st.uuids(), st.text())
def test_a_payment_id_is_found_before_any_suffix(value: UUID, rest: str) -> None:
    payment_id = PaymentId(value)
    found, _ = bodies.own_ids(f"{payment_reference(payment_id)}.{rest}")
    assert found == payment_id


@given(st.none() | st.text())
def test_any_other_text_holds_no_payment_id(text: str | None) -> None:
    assert bodies.own_ids(text) == (None, None)


@given(st.uuids())
def test_a_payment_id_alone_names_no_refund(value: UUID) -> None:
    custom_id = payment_reference(PaymentId(value))
    assert bodies.own_ids(custom_id) == (value, None)
    assert bodies.own_ids(ids.render("refund", RefundId(value))) == (None, None)


def test_an_amount_that_paypal_cannot_express_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        bodies.order(authorize_request(amount=Money(50_050, "HUF")))
