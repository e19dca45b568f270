"""``/v1/payments``: create, confirm, capture, cancel and look up payments."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, HttpUrl

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import ProviderAccountId
from groat.kernel.money import Money, require_current
from groat.kernel.scopes import Room
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation, OperationKind, OperationOutcome
from groat.payments.domain.payment import (
    ATTEMPTS_MAX,
    CaptureMethod,
    CaptureOrder,
    Customer,
    Payment,
    PaymentOrder,
    PaymentTerms,
    UnroutedOrder,
)
from groat.payments.queries import PaymentDetails
from groat.payments.service.payments import PaymentService
from groat.payments.service.recovery import PaymentRecovery, Synced
from groat.platform.http.edge import (
    AccountIdText,
    Body,
    CallerOf,
    NoFields,
    OperationIdText,
    PaymentIdText,
    ProviderAccountIdText,
    RefundIdText,
    RouteTable,
    Text,
    View,
)
from groat.platform.http.keyed import KeyedOf, RequiredKeyOf
from groat.providers.domain.failures import FailureCode
from groat.routing.domain.route import Route

MetadataValue = Annotated[str, Field(max_length=500)]

ProviderKey = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\[\]]+$")]
"""A key of metadata in the form that Stripe takes (docs.stripe.com/api/metadata)."""

StatementDescriptor = Annotated[
    str, Field(min_length=1, max_length=22, pattern=r"^[A-Za-z0-9 .-]*[A-Za-z][A-Za-z0-9 .-]*$")
]
"""The letters that both Stripe and PayPal take in a statement descriptor."""


class NewCustomer(Body):
    """The merchant's customer: the merchant's own reference, and an e-mail address."""

    reference: Text | None = Field(default=None, examples=["customer-7"])
    email: Annotated[str, Field(max_length=254, pattern=r"^[!-?A-~]+@[!-?A-~]+$")] | None = None

    def customer(self) -> Customer:
        """Return the customer in this body."""
        return Customer(self.reference, self.email)


class NewPayment(Body):
    """A payment to create.

    ``amount`` is in minor units: 1050 is 10.50 EUR. ``payment_method`` is the provider's token for
    the customer's card or wallet, never a card number. PayPal's saved methods are ``card:ID`` and
    ``paypal:ID``. Without a method, the customer pays on PayPal's page, and ``return_url`` is
    required. With ``capture_method`` ``manual`` the amount is only authorized; a separate call
    captures it. If ``confirm`` is false, the payment is stored and the provider is not called
    until it is confirmed. A customer who must act first (``requires_action``) returns to
    ``return_url`` afterwards.

    Give either ``provider_account`` with its ``payment_method``, or ``payment_methods``: a token
    for each provider by name, null for a provider that needs none. In the second case the routing
    rules choose the account, and may fall back to another one. ``payment_method_kind`` (such as
    ``card``) is for the conditions of the rules.

    The provider receives ``reference``, ``customer``, ``description`` and ``statement_descriptor``
    as far as it has fields for them, and those keys of ``metadata`` that ``provider_metadata``
    names. Stripe sends its receipts to the customer's ``email``. After a soft decline the payment
    is ``requires_payment_method``, and can be confirmed again, up to ``attempts_max`` times in all.
    """

    amount: int = Field(examples=[1050])
    currency: str = Field(examples=["EUR"])
    beneficiary: AccountIdText
    provider_account: ProviderAccountIdText | None = None
    payment_method: Text | None = Field(default=None, examples=["pm_card_visa"])
    payment_methods: dict[Text, Text | None] | None = Field(default=None, max_length=20)
    payment_method_kind: Text | None = Field(default=None, examples=["card"])
    capture_method: CaptureMethod = "automatic"
    confirm: bool = True
    return_url: Annotated[HttpUrl, Field(max_length=2048)] | None = None
    reference: Text | None = None
    customer: NewCustomer | None = None
    description: Annotated[str, Field(min_length=1, max_length=127)] | None = None
    statement_descriptor: StatementDescriptor | None = Field(default=None, examples=["GROAT 7"])
    metadata: dict[Text, MetadataValue] = Field(default_factory=dict, max_length=50)
    provider_metadata: list[ProviderKey] = Field(default_factory=list, max_length=40)
    attempts_max: int = Field(default=ATTEMPTS_MAX, ge=1, le=20)

    def order(self) -> PaymentOrder | UnroutedOrder:
        """Return the order in this body.

        Raises:
            InvalidRequest: the amount or the currency is invalid, or the body names neither an
                account nor payment methods, or both (``invalid_payment_method``).
        """
        require_current(self.currency)
        terms = PaymentTerms(
            Money(self.amount, self.currency),
            self.beneficiary,
            self.reference,
            self.metadata,
            self.capture_method,
            None if self.return_url is None else str(self.return_url),
            self.payment_method_kind,
            Customer() if self.customer is None else self.customer.customer(),
            self.description,
            self.statement_descriptor,
            tuple(self.provider_metadata),
            self.attempts_max,
        )
        match self.provider_account, self.payment_method, self.payment_methods:
            case None, None, dict() as tokens if tokens:
                return UnroutedOrder(terms, tokens)
            case UUID() as account_id, token, None:
                return PaymentOrder(terms, Route.direct(ProviderAccountId(account_id), token))
            case _:
                raise InvalidRequest(
                    "invalid_payment_method",
                    "Give either a provider_account with the payment_method for it, or "
                    "payment_methods alone.",
                )


class PaymentConfirmation(Body):
    """A confirmation. ``payment_method`` replaces the present one, at the same provider account."""

    payment_method: Text | None = Field(default=None, examples=["pm_card_visa"])


class PaymentCapture(Body):
    """A capture, in minor units; without ``amount``, the whole rest of the authorization.

    A ``final`` capture lets the rest of the authorization lapse. Providers that capture once take
    final captures only.
    """

    amount: int | None = None
    final: bool = True


class OperationView(View):
    """One request to the provider, and its outcome."""

    object: Literal["operation"] = "operation"
    id: OperationIdText
    kind: OperationKind
    amount: int
    outcome: OperationOutcome
    failure_code: FailureCode | None
    decline_code: str | None
    provider_message: str | None
    refund: RefundIdText | None

    @classmethod
    def of(cls, operation: Operation) -> Self:
        """Return the view of ``operation``."""
        return cls(
            id=operation.id,
            kind=operation.kind,
            amount=operation.amount,
            outcome=operation.outcome,
            failure_code=operation.failure_code,
            decline_code=operation.decline_code,
            provider_message=operation.provider_message,
            refund=operation.refund_id,
        )


class CustomerView(View):
    """The merchant's customer, as the merchant named it."""

    reference: str | None
    email: str | None


class PaymentView(View):
    """A payment. Amounts are in minor units of ``currency``.

    ``captured`` is a part of ``authorized``. ``returned`` (by the customer's bank), ``refunded``,
    ``refund_pending`` and ``disputed`` (disputes block its refund) are parts of ``captured``.
    ``owed`` is the amount that the beneficiary lacked when money was taken back, and owes since.
    ``decline_code`` and ``provider_message`` are the provider's own words about the failure.
    """

    object: Literal["payment"] = "payment"
    id: PaymentIdText
    status: Status
    amount: int
    currency: str
    capture_method: CaptureMethod
    authorized: int
    captured: int
    refunded: int
    refund_pending: int
    returned: int
    disputed: int
    owed: int
    beneficiary: AccountIdText
    provider_account: ProviderAccountIdText
    provider_reference: str | None
    reference: str | None
    customer: CustomerView
    description: str | None
    statement_descriptor: str | None
    metadata: dict[str, str]
    provider_metadata: list[str]
    attempts: int
    attempts_max: int
    next_action_url: str | None
    authorization_expires_at: datetime | None
    failure_code: FailureCode | None
    decline_code: str | None
    provider_message: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """Return the view of ``payment``."""
        return cls(**_fields(payment))


class PaymentDetailsView(PaymentView):
    """A payment with all its operations, the oldest first."""

    operations: list[OperationView]

    @classmethod
    def of_details(cls, details: PaymentDetails) -> Self:
        """Return the view of a payment with its operations."""
        return cls(
            **_fields(details.payment), operations=list(map(OperationView.of, details.operations))
        )


class SyncedPaymentView(PaymentDetailsView):
    """A payment after a look-up; if ``asked`` is false, ``reason`` tells why no answer came.

    Reasons: ``nothing_open`` (no operation is open), ``being_asked`` (another call is asking the
    provider at the moment), or the provider's failure, such as ``timeout``.
    """

    asked: bool
    reason: str | None

    @classmethod
    def of_synced(cls, synced: Synced) -> Self:
        """Return the view of a payment after its look-up."""
        payment, asked_for = synced.details
        return cls(
            **_fields(payment),
            operations=list(map(OperationView.of, asked_for)),
            asked=synced.not_asked is None,
            reason=synced.not_asked,
        )


def _fields(payment: Payment) -> dict[str, Any]:
    order = payment.order
    return {
        "id": payment.id,
        "status": payment.status,
        "amount": order.terms.amount.amount,
        "currency": order.terms.amount.currency,
        "capture_method": order.terms.capture_method,
        "authorized": payment.authorized,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "refund_pending": payment.refund_pending,
        "returned": payment.returned,
        "disputed": payment.disputed,
        "owed": payment.owed,
        "beneficiary": order.terms.beneficiary_id,
        "provider_account": order.provider_account_id,
        "provider_reference": payment.provider_reference,
        "reference": order.terms.reference,
        "customer": CustomerView(
            reference=order.terms.customer.reference, email=order.terms.customer.email
        ),
        "description": order.terms.description,
        "statement_descriptor": order.terms.statement_descriptor,
        "metadata": dict(order.terms.metadata),
        "provider_metadata": list(order.terms.provider_metadata),
        "attempts": payment.attempts,
        "attempts_max": order.terms.attempts_max,
        "next_action_url": payment.next_action_url,
        "authorization_expires_at": payment.authorization_expires_at,
        "failure_code": payment.failure_code,
        "decline_code": payment.decline_code,
        "provider_message": payment.provider_message,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }


class PaymentCommandRoutes:
    """Handlers that create, change and look up payments."""

    def __init__(self, payments: PaymentService, recovery: PaymentRecovery) -> None:
        self._payments = payments
        self._recovery = recovery

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.PAYMENTS, "/v1/payments", "payments")
        routes.post("", self.create, status=HTTPStatus.CREATED)
        routes.post("/{payment_id}/confirm", self.confirm)
        routes.post("/{payment_id}/capture", self.capture)
        routes.post("/{payment_id}/cancel", self.cancel)
        routes.post("/{payment_id}/sync", self.sync)
        return routes.router

    async def create(
        self, body: NewPayment, caller: CallerOf, keyed: RequiredKeyOf
    ) -> PaymentDetailsView:
        """Create a payment."""
        taken = await self._payments.create(
            caller, body.order(), keyed.once(PaymentDetailsView.of_details), confirm=body.confirm
        )
        return PaymentDetailsView.of_details(taken)

    async def confirm(
        self,
        payment_id: PaymentIdText,
        caller: CallerOf,
        keyed: RequiredKeyOf,
        body: PaymentConfirmation | None = None,
    ) -> PaymentDetailsView:
        """Confirm a payment, also with another payment method after a decline."""
        once = keyed.once(PaymentDetailsView.of_details)
        method = None if body is None else body.payment_method
        return PaymentDetailsView.of_details(
            await self._payments.confirm(caller, payment_id, method, once)
        )

    async def capture(
        self,
        payment_id: PaymentIdText,
        caller: CallerOf,
        keyed: RequiredKeyOf,
        body: PaymentCapture | None = None,
    ) -> PaymentDetailsView:
        """Capture a payment, in whole or in part."""
        wanted = body or PaymentCapture()
        order = CaptureOrder(wanted.amount, wanted.final)
        once = keyed.once(PaymentDetailsView.of_details)
        return PaymentDetailsView.of_details(
            await self._payments.capture(caller, payment_id, order, once)
        )

    async def cancel(
        self,
        payment_id: PaymentIdText,
        caller: CallerOf,
        keyed: RequiredKeyOf,
        _: NoFields | None = None,
    ) -> PaymentDetailsView:
        """Cancel a payment."""
        once = keyed.once(PaymentDetailsView.of_details)
        return PaymentDetailsView.of_details(await self._payments.cancel(caller, payment_id, once))

    async def sync(
        self,
        payment_id: PaymentIdText,
        caller: CallerOf,
        keyed: KeyedOf,
        _: NoFields | None = None,
    ) -> SyncedPaymentView:
        """Look up a payment at its provider."""
        once = keyed.once(SyncedPaymentView.of_synced)
        return SyncedPaymentView.of_synced(
            await self._recovery.sync(caller.merchant_id, payment_id, once)
        )
