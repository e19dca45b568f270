"""The bodies and queries of supported requests, and the errors for unknown or wrong fields."""

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
"""Maximum events in a page."""

Parsed = TypeVar("Parsed", bound=BaseModel)
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=127)]
OwnId = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9-_.,]*$")
]
"""The client's name for its refund. Source: PayPal, Payments v2, ``refund_request.custom_id``."""

SoftDescriptor = Annotated[
    str, StringConstraints(min_length=1, max_length=22, pattern=r"^[A-Za-z0-9-*. ]*$")
]
"""Text on the payer's card statement. Source: PayPal, Orders v2, ``soft_descriptor``."""

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
    """The amount to pay, and the client's references for it."""

    amount: AmountBody
    reference_id: Annotated[str, StringConstraints(min_length=1, max_length=256)] = "default"
    custom_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    invoice_id: Identifier | None = None
    description: Identifier | None = None
    soft_descriptor: SoftDescriptor | None = None


Address = Annotated[str, AfterValidator(_url)]
VaultId = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[0-9a-zA-Z_-]+$")
]


class PayerContext(Parameters):
    """The addresses to which the payer returns after an approval or a cancellation."""

    return_url: Address | None = None
    cancel_url: Address | None = None


class WalletContext(PayerContext):
    """The payer's return addresses and the look of PayPal's page, which the simulator ignores."""

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
    """A vaulted card. PayPal accepts card numbers as well; the simulator does not."""

    vault_id: VaultId
    experience_context: PayerContext = PayerContext()


class WalletSource(Parameters):
    """A PayPal account: a vaulted one, or the one that the payer signs in with."""

    vault_id: VaultId | None = None
    email_address: Annotated[str, StringConstraints(min_length=3, max_length=254)] | None = None
    experience_context: WalletContext = WalletContext()


class PaymentSource(Parameters):
    """The payment source: exactly one of these. PayPal has more kinds."""

    card: CardSource | None = None
    paypal: WalletSource | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.card is None) == (self.paypal is None):
            raise ValueError("one source")
        return self

    @property
    def used(self) -> CardSource | WalletSource:
        """The source that is given."""
        source = self.card or self.paypal
        assert source is not None  # noqa: S101 - validated above
        return source


class OrderRequest(Parameters):
    """An order of one unit, captured or authorized at once unless the payer must approve it.

    Without a ``payment_source``, the payer chooses one. ``application_context`` is deprecated.
    """

    intent: Intent
    purchase_units: Annotated[list[PurchaseUnitBody], Field(min_length=1, max_length=1)]
    payment_source: PaymentSource | None = None
    application_context: PayerContext = PayerContext()

    @property
    def vault_id(self) -> str | None:
        """The vaulted payment method of the order, or None."""
        return None if self.payment_source is None else self.payment_source.used.vault_id

    @property
    def context(self) -> PayerContext:
        """The addresses to which the payer returns."""
        if self.payment_source is None:
            return self.application_context
        return self.payment_source.used.experience_context


class CompletionRequest(Parameters):
    """The capture or authorization of an approved order. PayPal accepts a payment source too."""


class CaptureAuthorizationBody(Parameters):
    """The amount to capture: by default the whole uncaptured amount of the authorization."""

    amount: AmountBody | None = None
    final_capture: bool = False
    invoice_id: Identifier | None = None
    note_to_payer: Annotated[str, StringConstraints(max_length=255)] | None = None


class ReauthorizeBody(Parameters):
    """The amount to authorize again: by default that of the old authorization."""

    amount: AmountBody | None = None


class RefundCaptureBody(Parameters):
    """The amount to refund: by default the whole unrefunded amount of the capture."""

    amount: AmountBody | None = None
    custom_id: OwnId | None = None
    invoice_id: Identifier | None = None
    note_to_payer: Annotated[str, StringConstraints(max_length=255)] | None = None


class EventType(Parameters):
    """The name of an event type, or ``*`` for all of them."""

    name: Identifier


class WebhookRequest(Parameters):
    """The URL of a webhook and its event types. Unlike PayPal, the simulator accepts plain http."""

    url: Address
    event_types: Annotated[list[EventType], Field(min_length=1)]


class VerificationRequest(Parameters):
    """The headers and the event of a delivery, as its receiver got them."""

    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    provider_event: dict[str, object]


class EventSearch(Parameters):
    """A search for events by time, by transaction and by type. The newest event comes first.

    PayPal does not document the maximum ``page_size``. The links to further pages contain
    ``move_to``, ``index_time`` and ``index_id``. A page starts after the event ``index_id``.
    """

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = 10
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    transaction_id: str | None = None
    event_type: str | None = None
    move_to: Literal["next"] | None = None
    index_time: AwareDatetime | None = None
    index_id: Annotated[int, Field(ge=0)] | None = None


class RowSearch(Parameters):
    """A search for rows of the account, by time and other properties.

    The simulator accepts ``store_id``, ``terminal_id`` and ``payment_instrument_type``, and ignores
    them. ``page`` begins with 1.
    """

    start_date: AwareDatetime
    end_date: AwareDatetime
    balance_affecting_records_only: Literal["Y", "N"] = "Y"
    fields: str = "transaction_info"
    page: Annotated[int, Field(ge=1)] = 1
    page_size: Annotated[int, Field(ge=1, le=500)] = 100
    payment_instrument_type: str | None = None
    store_id: str | None = None
    terminal_id: str | None = None
    transaction_amount: str | None = None
    transaction_currency: str | None = None
    transaction_id: str | None = None
    transaction_status: Literal["D", "P", "S", "V"] | None = None
    transaction_type: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether the search has a filter. Without one, rows have the balance after them."""
        return any(
            value is not None
            for value in (
                self.transaction_amount,
                self.transaction_currency,
                self.transaction_id,
                self.transaction_status,
                self.transaction_type,
            )
        )


class BalanceSearch(Parameters):
    """A request for the balances at a time, of one currency or of all."""

    as_of_time: AwareDatetime | None = None
    currency_code: str | None = None


def parse(model: type[Parsed], body: bytes) -> Parsed:
    """Return the fields of a JSON body. An empty body counts as an empty object.

    Raises:
        PayPalError: Some fields are unknown or wrong. The error lists all of them.
    """
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise _invalid(error, "body") from None


def parse_query(model: type[Parsed], parameters: Mapping[str, str]) -> Parsed:
    """Return the parameters of a query.

    Raises:
        PayPalError: Some parameters are unknown or wrong. The error lists all of them.
    """
    try:
        return model.model_validate_strings(dict(parameters))
    except ValidationError as error:
        raise _invalid(error, "query") from None


def money_of(amount: AmountBody, field: str = "/amount/") -> Money:
    """Return the money to charge or to refund. ``field`` is its place in the request.

    Raises:
        PayPalError: The currency is unknown, or the amount has too many decimals or is not
            positive.
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
