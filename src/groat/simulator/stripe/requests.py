"""The parameters of supported requests, and the errors for unknown or wrong ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, TypeVar

import httpx
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import exponent
from groat.simulator.stripe.errors import StripeError, invalid_request
from groat.simulator.stripe.form import decode
from groat.simulator.wire import Parameters

Parsed = TypeVar("Parsed", bound=Parameters)

AMOUNT_MAX = 99_999_999
"""Largest amount. Stripe allows up to eight digits."""

_NOT_AN_INTEGER = "parameter_invalid_integer"
_CODES = {
    "missing": "parameter_missing",
    "extra_forbidden": "parameter_unknown",
    "greater_than_equal": _NOT_AN_INTEGER,
    "less_than_equal": _NOT_AN_INTEGER,
}


def _integer(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}", value, re.ASCII):
        raise PydanticCustomError(_NOT_AN_INTEGER, "Invalid integer")
    return int(value)


def _positions(value: object) -> object:
    return list(value.values()) if isinstance(value, Mapping) else value


def interval(value: object) -> object:
    """Return a single time as an interval that starts and ends with it."""
    return {"gte": value, "lte": value} if isinstance(value, str) else value


def _currency(value: str) -> str:
    try:
        exponent(value.upper())
    except InvalidRequest:
        raise PydanticCustomError("invalid_currency", "Invalid currency") from None
    return value.lower()


def _url(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise PydanticCustomError("url_invalid", "Not a valid URL")
    return value


def _descriptor(value: str) -> str:
    if not re.search("[A-Za-z]", value) or re.search(r"[<>\\'\"*]", value):
        raise PydanticCustomError("descriptor", "The statement descriptor is invalid")
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise PydanticCustomError("email_invalid", "Invalid email address")
    return value


Integer = Annotated[int, BeforeValidator(_integer)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_positions)]
CurrencyCode = Annotated[str, AfterValidator(_currency)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]],
    Field(max_length=50),
]
Descriptor = Annotated[str, Field(max_length=22), AfterValidator(_descriptor)]
"""Text on the customer's statement. Source: Stripe, "Statement descriptors"."""
Email = Annotated[str, Field(max_length=800), AfterValidator(_email)]
Limit = Annotated[Integer, Field(ge=1, le=100)]
Flag = Literal["true", "false"]
Url = Annotated[str, AfterValidator(_url)]
Anything: TypeAlias = object | None
"""A parameter that the simulator accepts and ignores."""


class Expanding(Parameters):
    """The ids in the answer to replace by their objects, such as ``latest_charge``."""

    expand: Annotated[Listed, Field(max_length=20)] = ()


class AutomaticPaymentMethods(Parameters):
    """All payment methods of the account, with or without those that redirect the customer."""

    enabled: Flag
    allow_redirects: Literal["always", "never"] = "always"


class ShippingAddress(Parameters):
    """A customer's address."""

    city: str | None = None
    country: str | None = None
    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    state: str | None = None


class Shipping(Parameters):
    """The name and the address that goods are sent to."""

    name: str
    address: ShippingAddress
    carrier: str | None = None
    phone: str | None = None
    tracking_number: str | None = None


class PaymentIntentRequest(Expanding):
    """A payment intent to create, and to confirm at once or later.

    The simulator ignores ``mandate_data``, ``off_session`` and ``payment_method_options``.
    """

    amount: Annotated[Integer, Field(ge=1, le=AMOUNT_MAX)]
    currency: CurrencyCode
    payment_method: str | None = None
    confirm: Flag = "false"
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic_async"
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    customer: str | None = None
    mandate_data: Anything = None
    off_session: Anything = None
    payment_method_options: Anything = None
    receipt_email: Email | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    shipping: Shipping | None = None
    statement_descriptor: Descriptor | None = None
    statement_descriptor_suffix: Descriptor | None = None
    transfer_group: str | None = None
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    payment_method_types: Listed = ("card",)
    return_url: Url | None = None
    description: str | None = None
    metadata: Metadata = Field(default_factory=dict)


class UpdateIntentRequest(Expanding):
    """The changes of an intent. An empty metadata value removes the key."""

    amount: Annotated[Integer, Field(ge=1, le=AMOUNT_MAX)] | None = None
    currency: CurrencyCode | None = None
    customer: str | None = None
    description: str | None = None
    metadata: Metadata = Field(default_factory=dict)
    payment_method: str | None = None
    receipt_email: Email | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    shipping: Shipping | None = None
    statement_descriptor: Descriptor | None = None
    statement_descriptor_suffix: Descriptor | None = None
    transfer_group: str | None = None


class MetadataRequest(Expanding):
    """Changes of an object's metadata. An empty value removes the key."""

    metadata: Metadata = Field(default_factory=dict)


class ConfirmRequest(Expanding):
    """The confirmation of an intent, with its present payment method or another one."""

    mandate_data: Anything = None
    off_session: Anything = None
    payment_method: str | None = None
    return_url: Url | None = None


class CaptureIntentRequest(Expanding):
    """The amount to capture: by default all that is authorized. The rest is released."""

    amount_to_capture: Annotated[Integer, Field(ge=1, le=AMOUNT_MAX)] | None = None


class CancelIntentRequest(Expanding):
    """The reason of a cancellation."""

    cancellation_reason: (
        Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None
    ) = None


class CreateRefundRequest(Expanding):
    """A refund of ``amount``, or by default of the whole unrefunded amount."""

    charge: str | None = None
    payment_intent: str | None = None
    amount: Annotated[Integer, Field(ge=1, le=AMOUNT_MAX)] | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = Field(default_factory=dict)


class Evidence(Parameters):
    """Evidence against a dispute. Stripe accepts files too."""

    access_activity_log: str | None = None
    billing_address: str | None = None
    cancellation_policy_disclosure: str | None = None
    cancellation_rebuttal: str | None = None
    customer_email_address: str | None = None
    customer_name: str | None = None
    customer_purchase_ip: str | None = None
    duplicate_charge_explanation: str | None = None
    duplicate_charge_id: str | None = None
    product_description: str | None = None
    refund_policy_disclosure: str | None = None
    refund_refusal_explanation: str | None = None
    service_date: str | None = None
    shipping_address: str | None = None
    shipping_carrier: str | None = None
    shipping_date: str | None = None
    shipping_tracking_number: str | None = None
    uncategorized_text: str | None = None


class DisputeRequest(MetadataRequest):
    """Evidence to store, and to submit unless the request has none or says otherwise."""

    evidence: Evidence | None = None
    submit: Flag = "true"


class WebhookEndpointRequest(Parameters):
    """The URL of an endpoint and the types of its events; ``*`` stands for all types."""

    url: Url
    enabled_events: Annotated[Listed, Field(min_length=1)]
    description: str | None = None


class ListPage(Expanding):
    """A page of a list, newest first: the page after an object, or the page before it."""

    limit: Limit = 10
    starting_after: str | None = None
    ending_before: str | None = None


class PageOfCharges(ListPage):
    """A page of all charges, or of the charges of one payment intent."""

    payment_intent: str | None = None


class PageOfPayment(ListPage):
    """A page of all refunds or disputes, or of those of one payment intent or charge."""

    charge: str | None = None
    payment_intent: str | None = None


class Interval(Parameters):
    """An interval of time, in Unix seconds."""

    gt: Integer | None = None
    gte: Integer | None = None
    lt: Integer | None = None
    lte: Integer | None = None

    def holds(self, moment: int) -> bool:
        """Tell whether ``moment`` is in the interval."""
        return (
            (self.gt is None or self.gt < moment)
            and (self.gte is None or self.gte <= moment)
            and (self.lt is None or moment < self.lt)
            and (self.lte is None or moment <= self.lte)
        )


class PageOfIntents(ListPage):
    """A page of payment intents, filtered by their time of creation."""

    created: Annotated[Interval, BeforeValidator(interval)] = Interval()


class PageOfEvents(ListPage):
    """A page of events, filtered by type, by time, or by success of their deliveries.

    In ``type``, ``*`` stands for any text. ``type`` and ``types`` exclude each other.
    """

    type: str | None = None
    types: Annotated[Listed, Field(max_length=20)] = ()
    created: Annotated[Interval, BeforeValidator(interval)] = Interval()
    delivery_success: Flag | None = None

    def wants(self, event_type: str) -> bool:
        """Tell whether the page includes events of a type."""
        if self.type is not None:
            pattern = re.escape(self.type).replace(r"\*", ".*")
            return re.fullmatch(pattern, event_type) is not None
        return not self.types or event_type in self.types


class Search(Expanding):
    """A query such as ``metadata['order']:'7'``. ``page`` is the previous page's ``next_page``."""

    query: str
    limit: Limit = 10
    page: Integer = 0


def parse(model: type[Parsed], text: str) -> Parsed:
    """Return the parameters in a form-encoded body or query.

    Raises:
        StripeError: A parameter is unknown or wrong. The error names the first one.
    """
    try:
        return model.model_validate(decode(text))
    except ValidationError as error:
        raise _as_stripe_says(error.errors()[0]) from None


def _as_stripe_says(detail: ErrorDetails) -> StripeError:
    first, *path = (str(part) for part in detail["loc"])
    param = first + "".join(f"[{part}]" for part in path)
    match detail["type"]:
        case "missing":
            message = f"Missing required param: {param}."
        case "extra_forbidden":
            message = f"Received unknown parameter: {param}"
        case _:
            message = f"{detail['msg']}: {param}"
    kind = detail["type"]
    code = _CODES.get(
        kind, kind if kind in {_NOT_AN_INTEGER, "url_invalid", "email_invalid"} else None
    )
    return invalid_request(message, param=param, code=code)
