"""The bodies that are understood, and the errors for those that are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

import httpx
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money
from groat.simulator.paypal.errors import PayPalError, RequestProblem, unprocessable
from groat.simulator.wire import Parameters

PAGE_SIZE_MAX = 300

Parsed = TypeVar("Parsed", bound=BaseModel)
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=127)]
OwnId = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9-_.,]*$")
]
"""What a client calls its refund. Source: PayPal, Payments v2, ``refund_request.custom_id``."""

Intent: TypeAlias = Literal["CAPTURE", "AUTHORIZE"]


def _url(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ValueError(value) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(value)
    return value


class AmountBody(Parameters):
    """An amount as a decimal string."""

    currency_code: str
    value: str


class PurchaseUnitBody(Parameters):
    """What is paid for, and what the client calls it."""

    amount: AmountBody
    reference_id: Identifier = "default"
    custom_id: Identifier | None = None
    invoice_id: Identifier | None = None
    description: Identifier | None = None


Address = Annotated[str, AfterValidator(_url)]
VaultId = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[0-9a-zA-Z_-]+$")
]


class PayerContext(Parameters):
    """Where the payer is sent afterwards."""

    return_url: Address | None = None
    cancel_url: Address | None = None


class WalletContext(PayerContext):
    """What the payer sees at PayPal, too; the simulator's page is the same for all."""

    brand_name: Identifier | None = None
    landing_page: Literal["LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE", "BILLING"] = "NO_PREFERENCE"
    locale: Annotated[str, StringConstraints(min_length=2, max_length=10)] | None = None
    payment_method_preference: Literal["UNRESTRICTED", "IMMEDIATE_PAYMENT_REQUIRED"] = (
        "UNRESTRICTED"
    )
    shipping_preference: Literal["GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"] = (
        "GET_FROM_FILE"
    )
    user_action: Literal["CONTINUE", "PAY_NOW"] = "CONTINUE"


class CardSource(Parameters):
    """A vaulted card. PayPal takes card numbers as well; the simulator does not."""

    vault_id: VaultId
    experience_context: PayerContext = PayerContext()


class WalletSource(Parameters):
    """A PayPal account: a vaulted one, or the one that the payer signs in with."""

    vault_id: VaultId | None = None
    experience_context: WalletContext = WalletContext()


class PaymentSource(Parameters):
    """How it is paid: with one of these. PayPal has more of them."""

    card: CardSource | None = None
    paypal: WalletSource | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.card is None) == (self.paypal is None):
            raise ValueError("one source")
        return self

    @property
    def used(self) -> CardSource | WalletSource:
        """The one that is there."""
        source = self.card or self.paypal
        assert source is not None  # noqa: S101 - validated above
        return source


class OrderRequest(Parameters):
    """An order of one unit, captured or authorized at once unless the payer is needed.

    Without a ``payment_source`` the payer chooses one. The ``application_context`` is deprecated.
    """

    intent: Intent
    purchase_units: Annotated[list[PurchaseUnitBody], Field(min_length=1, max_length=1)]
    payment_source: PaymentSource | None = None
    application_context: PayerContext = PayerContext()

    @property
    def vault_id(self) -> str | None:
        """The vaulted payment method that it is paid with."""
        return None if self.payment_source is None else self.payment_source.used.vault_id

    @property
    def context(self) -> PayerContext:
        """Where the payer is sent afterwards."""
        if self.payment_source is None:
            return self.application_context
        return self.payment_source.used.experience_context


class CompletionRequest(Parameters):
    """The capturing or authorizing of an approved order; PayPal would take a payment source."""


class CaptureAuthorizationBody(Parameters):
    """How much of an authorization to capture, all that is left of it unless said."""

    amount: AmountBody | None = None
    final_capture: bool = False
    invoice_id: Identifier | None = None
    note_to_payer: Annotated[str, StringConstraints(max_length=255)] | None = None


class RefundCaptureBody(Parameters):
    """How much of a capture to give back, all that is left of it unless said."""

    amount: AmountBody | None = None
    custom_id: OwnId | None = None
    invoice_id: Identifier | None = None
    note_to_payer: Annotated[str, StringConstraints(max_length=255)] | None = None


class EventType(Parameters):
    """The name of an event type, or ``*`` for all of them."""

    name: Identifier


class WebhookRequest(Parameters):
    """Where to deliver which events. Unlike PayPal, plain http will do."""

    url: Address
    event_types: Annotated[list[EventType], Field(min_length=1)]


class VerificationRequest(Parameters):
    """A delivery as its receiver got it."""

    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    provider_event: dict[str, object]


class EventSearch(Parameters):
    """Which events, newest first: those of a time, of a transaction, of a type.

    PayPal names the largest ``page_size`` nowhere. The last three are in the links to further
    pages; ``index_id`` says after which event.
    """

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = 10
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    transaction_id: str | None = None
    event_type: str | None = None
    move_to: Literal["next"] | None = None
    index_time: AwareDatetime | None = None
    index_id: Annotated[int, Field(ge=0)] | None = None


def parse(model: type[Parsed], body: bytes) -> Parsed:
    """Return what a JSON body says; no body at all says nothing.

    Raises:
        PayPalError: All that is wrong with it.
    """
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise _invalid(error, "body") from None


def parse_query(model: type[Parsed], parameters: Mapping[str, str]) -> Parsed:
    """Return what the query of an address says.

    Raises:
        PayPalError: All that is wrong with it.
    """
    try:
        return model.model_validate_strings(dict(parameters))
    except ValidationError as error:
        raise _invalid(error, "query") from None


def money_of(amount: AmountBody, field: str = "/amount/") -> Money:
    """Return the money to charge or to give back; ``field`` is where the request says it.

    Raises:
        PayPalError: No such currency, too many decimals for it, or nothing at all.
    """
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


def _invalid(error: ValidationError, location: Literal["body", "query"]) -> PayPalError:
    problems = [
        replace(_problem(detail["type"], detail["loc"]), location=location)
        for detail in error.errors()
    ]
    return PayPalError(400, "INVALID_REQUEST", *problems)


def _problem(kind: str, path: tuple[int | str, ...]) -> RequestProblem:
    field = "".join(f"/{part}" for part in path)
    match kind:
        case "json_invalid":
            return RequestProblem(
                "MALFORMED_REQUEST_JSON", "The request JSON is not well formed.", field
            )
        case "missing":
            return RequestProblem(
                "MISSING_REQUIRED_PARAMETER", "A required field is missing.", field
            )
        case "extra_forbidden":
            return RequestProblem("UNKNOWN_FIELD", "The simulator does not know this field.", field)
        case _:
            return RequestProblem(
                "INVALID_PARAMETER_VALUE", "The value of a field is invalid.", field
            )
