"""The bodies that are understood, and the errors for those that are not."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import httpx
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money
from groat.simulator.paypal.errors import PayPalError, Problem, unprocessable
from groat.simulator.wire import Parameters

Parsed = TypeVar("Parsed", bound=BaseModel)
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=127)]


def _url(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ValueError(value) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(value)
    return value


class Amount(Parameters):
    """An amount as a decimal string."""

    currency_code: str
    value: str


class PurchaseUnit(Parameters):
    """What is paid for, and what the client calls it."""

    amount: Amount
    reference_id: Identifier = "default"
    custom_id: Identifier | None = None
    invoice_id: Identifier | None = None
    description: Identifier | None = None


class Token(Parameters):
    """A vaulted payment method."""

    id: Identifier
    type: Literal["PAYMENT_METHOD_TOKEN"]


class PaymentSource(Parameters):
    """How it is paid; a vaulted payment method is the only way there is so far."""

    token: Token


class OrderRequest(Parameters):
    """An order that is captured at once, the only kind there is so far: one unit, one capture."""

    intent: Literal["CAPTURE"]
    purchase_units: Annotated[list[PurchaseUnit], Field(min_length=1, max_length=1)]
    payment_source: PaymentSource


class EventType(Parameters):
    """The name of an event type, or ``*`` for all of them."""

    name: Identifier


class WebhookRequest(Parameters):
    """Where to deliver which events. Unlike PayPal, plain http will do."""

    url: Annotated[str, AfterValidator(_url)]
    event_types: Annotated[list[EventType], Field(min_length=1)]


class VerificationRequest(Parameters):
    """A delivery as its receiver got it."""

    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    webhook_event: dict[str, object]


def parse(model: type[Parsed], body: bytes) -> Parsed:
    """Return what a JSON body says.

    Raises:
        PayPalError: All that is wrong with it.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = [_problem(detail["type"], detail["loc"]) for detail in error.errors()]
        raise PayPalError(400, "INVALID_REQUEST", *problems) from None


def money_of(amount: Amount) -> Money:
    """Return the money to charge.

    Raises:
        PayPalError: No such currency, too many decimals for it, or nothing to charge.
    """
    field = "/purchase_units/0/amount/"
    try:
        money = Money.from_decimal(amount.value, amount.currency_code)
    except InvalidRequest as error:
        if error.code == "unknown_currency":
            raise unprocessable(
                "CURRENCY_NOT_SUPPORTED", error.message, f"{field}currency_code"
            ) from None
        raise unprocessable("DECIMAL_PRECISION", error.message, f"{field}value") from None
    if money.amount <= 0:
        description = "Must be greater than zero."
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", description, f"{field}value")
    return money


def _problem(kind: str, path: tuple[int | str, ...]) -> Problem:
    field = "".join(f"/{part}" for part in path)
    match kind:
        case "json_invalid":
            return Problem("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.", field)
        case "missing":
            return Problem("MISSING_REQUIRED_PARAMETER", "A required field is missing.", field)
        case "extra_forbidden":
            return Problem("UNKNOWN_FIELD", "The simulator does not know this field.", field)
        case _:
            return Problem("INVALID_PARAMETER_VALUE", "The value of a field is invalid.", field)
