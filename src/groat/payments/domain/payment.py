"""Payments, the orders that create them, and the commands on them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from groat.accounts.domain.chart import Account
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.filters import AmountFilter, MetadataFilter
from groat.kernel.ids import AccountId, OperationId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value, field, replace
from groat.merchants.domain.credentials import ProviderName
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation, OperationKind, pending_operation
from groat.providers.domain.failures import HARD, FailureCode
from groat.routing.domain.route import PaymentMethod, Route, RoutingInput
from groat.routing.domain.simulation import PastPayment

CaptureMethod: TypeAlias = Literal["automatic", "manual"]


ATTEMPTS_MAX = 5
"""Default maximum attempts to authorize a payment. A limit hinders the testing of stolen cards."""


class Customer(Value):
    """The merchant's customer: the merchant's own reference, and an e-mail address."""

    reference: str | None = None
    email: str | None = None


class PaymentTerms(Value):
    """The terms of a payment: everything but the provider account that takes it.

    With ``manual`` capture the amount is only authorized; a separate command captures it.
    ``return_url`` is the page to which the provider sends the customer after an action.
    ``method_kind`` is the caller's name for the kind of payment method, such as ``card``.
    ``statement_descriptor`` is the text on the customer's bank statement. ``provider_metadata`` has
    the keys of ``metadata`` that the provider receives too. ``attempts_max`` is the merchant's
    limit of attempts.
    """

    amount: Money
    beneficiary_id: AccountId
    reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    capture_method: CaptureMethod = "automatic"
    return_url: str | None = None
    method_kind: str | None = None
    customer: Customer = Customer()
    description: str | None = None
    statement_descriptor: str | None = None
    provider_metadata: tuple[str, ...] = ()
    attempts_max: int = ATTEMPTS_MAX

    def __post_init__(self) -> None:
        if self.amount.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A payment's amount is 1 or more.")
        for key in self.provider_metadata:
            if key not in self.metadata:
                raise InvalidRequest(
                    "unknown_metadata_key",
                    f"'provider_metadata' names {key!r}, which 'metadata' does not have.",
                )


class PaymentOrder(Value):
    """A merchant's order: the terms of a payment, and the route of accounts it is tried with."""

    terms: PaymentTerms
    route: Route

    @property
    def provider_account_id(self) -> ProviderAccountId:
        """The provider account of the current leg."""
        return self.route.leg.provider_account_id

    @property
    def payment_method(self) -> str | None:
        """The token to charge; None if the customer chooses a method on the provider's page."""
        return self.route.leg.payment_method


class UnroutedOrder(Value):
    """An order whose provider account the routing rules choose, by its payment method."""

    terms: PaymentTerms
    tokens: Mapping[ProviderName, str | None]

    @property
    def method(self) -> PaymentMethod:
        """The payment method, with its token at each provider."""
        return PaymentMethod(self.terms.method_kind, self.tokens)

    def routing_input(self, payment_id: PaymentId) -> RoutingInput:
        """Return the input of the routing rules."""
        terms = self.terms
        return RoutingInput(payment_id, terms.amount, self.method, terms.metadata)


class Payment(Value):
    """A payment. Amounts are in minor units of the order's currency.

    ``captured`` is a part of ``authorized``. ``returned`` (by the bank), ``refunded`` and
    ``refund_pending`` are parts of ``captured``. ``in_dispute`` is the sum of the disputes that
    block refunds, which may be more. ``owed`` is the amount that the beneficiary lacked when money
    of this payment was taken back, and owes us since. ``provider_reference`` and
    ``authorization_reference`` are the provider's ids, as in ``Report`` and ``Authorized``.

    ``attempts`` counts the confirmations that reached a provider. ``declined_reference`` is the
    provider's id of the payment whose attempt was declined last. If ``declined_open``, the provider
    keeps it open: the next attempt continues it. During that attempt, ``provider_reference`` is
    None until the provider tells it again. ``decline_code`` and ``provider_message`` are the
    provider's own words about the failure.
    """

    id: PaymentId
    order: PaymentOrder
    status: Status
    failure_code: FailureCode | None
    created_at: datetime
    updated_at: datetime
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    refund_pending: int = 0
    returned: int = 0
    in_dispute: int = 0
    owed: int = 0
    provider_reference: str | None = None
    authorization_reference: str | None = None
    authorization_expires_at: datetime | None = None
    next_action_url: str | None = None
    attempts: int = 0
    declined_reference: str | None = None
    declined_open: bool = False
    decline_code: str | None = None
    provider_message: str | None = None

    def ends_after(self, code: FailureCode) -> bool:
        """Return whether a decline with ``code`` ends the payment: no attempt may follow it."""
        return code in HARD or self.attempts >= self.order.terms.attempts_max

    def without_failure(self) -> Payment:
        """Return the payment without the reasons of its last failure."""
        return replace(self, failure_code=None, decline_code=None, provider_message=None)

    def was_tried_with(self, account_id: ProviderAccountId) -> bool:
        """Return whether the payment is or was at this provider account."""
        route = self.order.route
        return account_id == route.leg.provider_account_id or account_id in route.behind

    def past(self) -> PastPayment:
        """Return the payment as a simulation of routing rules sees it."""
        terms, route = self.order.terms, self.order.route
        method = PaymentMethod(terms.method_kind, tokens={})
        routed = RoutingInput(self.id, terms.amount, method, terms.metadata)
        return PastPayment(routed, route.first, route.leg.provider_account_id)

    @property
    def capturable(self) -> int:
        """The amount that can still be captured, in minor units."""
        return self.authorized - self.captured if self.status is Status.AUTHORIZED else 0

    @property
    def kept(self) -> int:
        """The captured amount that no refund and no return has taken, or is about to take."""
        return max(0, self.captured - self.returned - self.refunded - self.refund_pending)

    @property
    def disputed(self) -> int:
        """The amount that cannot be refunded because of disputes."""
        return min(self.in_dispute, self.kept)

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded, in minor units."""
        return self.kept - self.disputed


class PaymentFilter(NamedTuple):
    """A filter of payments by their own fields; None selects all."""

    status: Status | None = None
    beneficiary_id: AccountId | None = None
    reference: str | None = None
    provider: str | None = None
    provider_account_id: ProviderAccountId | None = None
    provider_reference: str | None = None
    amounts: AmountFilter = AmountFilter()
    metadata: MetadataFilter = MetadataFilter()


class PaymentMatch(NamedTuple):
    """A payment that a search found. ``field`` says which of its texts matched."""

    id: PaymentId
    field: str


CANCELABLE = frozenset(
    {
        Status.CREATED,
        Status.REQUIRES_ACTION,
        Status.REQUIRES_PAYMENT_METHOD,
        Status.AUTHORIZED,
    }
)
CONFIRMABLE = frozenset({Status.CREATED, Status.REQUIRES_PAYMENT_METHOD})


class CaptureOrder(Value):
    """An order to capture ``amount``, in minor units; None captures the whole remainder.

    A ``final`` capture lets the rest of the authorization lapse.
    """

    amount: int | None = None
    final: bool = True

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A capture's amount is 1 or more.")


class Begun(Value):
    """An accepted command: the payment after it, and the operation to call the provider for."""

    payment: Payment
    operation: Operation | None


def new_payment(payment_id: PaymentId, order: PaymentOrder, now: datetime) -> Payment:
    """Return a new payment, for which no provider has been called yet."""
    return Payment(
        payment_id, order, Status.CREATED, failure_code=None, created_at=now, updated_at=now
    )


def require_wallet(beneficiary: Account, amount: Money) -> None:
    """Refuse a beneficiary that cannot receive ``amount``.

    Raises:
        InvalidRequest: ``beneficiary_not_a_wallet`` or ``currency_mismatch``.
        Conflict: ``account_frozen`` or ``account_closed``.
    """
    code, status = beneficiary.spec.code, beneficiary.status
    if beneficiary.spec.normal_side != "credit":
        raise InvalidRequest(
            "beneficiary_not_a_wallet",
            f"Account {code!r} belongs to Groat; name a wallet as the beneficiary.",
        )
    if beneficiary.spec.currency != amount.currency:
        raise InvalidRequest(
            "currency_mismatch",
            f"The payment is in {amount.currency} and the beneficiary's account in "
            f"{beneficiary.spec.currency}.",
        )
    if status != "open":
        raise Conflict(f"account_{status}", f"Account {code!r} is {status} and takes no payments.")


def confirm(
    payment: Payment,
    open_operations: Sequence[Operation],
    payment_method: str | None,
    operation_id: OperationId,
    now: datetime,
) -> Begun:
    """Return the payment in ``processing``, and the operation that authorizes it.

    A ``payment_method`` replaces the present one at the payment's provider account. Then the
    payment does not fall back: the tokens for further accounts belong to the earlier method.

    Raises:
        Conflict: ``payment_not_confirmable``, no attempt is possible in the payment's status; or
            ``operation_in_progress``, it is being canceled.
    """
    if payment.status not in CONFIRMABLE:
        raise Conflict(
            "payment_not_confirmable",
            f"The payment is {payment.status}; it can be confirmed while it is one of: "
            f"{', '.join(sorted(CONFIRMABLE))}.",
        )
    _require_idle(open_operations)
    order = payment.order
    if payment_method is not None:
        order = replace(order, route=order.route.with_method(payment_method))
    amount = order.terms.amount.amount
    operation = pending_operation(operation_id, payment.id, OperationKind.AUTHORIZE, amount)
    confirmed = replace(
        payment.without_failure(),
        order=order,
        status=Status.PROCESSING,
        attempts=payment.attempts + 1,
        provider_reference=None,
        updated_at=now,
    )
    return Begun(confirmed, operation)


def capture(
    payment: Payment,
    open_operations: Sequence[Operation],
    order: CaptureOrder,
    operation_id: OperationId,
) -> Begun:
    """Return the operation that captures a payment, in whole or in part.

    Raises:
        Conflict: ``payment_not_capturable``, ``operation_in_progress`` or
            ``capture_exceeds_authorized``.
    """
    if not payment.capturable:
        raise Conflict(
            "payment_not_capturable",
            f"The payment is {payment.status} with {payment.captured} captured; only an "
            f"{Status.AUTHORIZED} payment can be captured.",
        )
    _require_idle(open_operations)
    amount = payment.capturable if order.amount is None else order.amount
    if amount > payment.capturable:
        raise Conflict(
            "capture_exceeds_authorized",
            f"{amount} exceeds the {payment.capturable} that can still be captured "
            f"({payment.authorized} authorized, {payment.captured} captured).",
        )
    final = order.final or amount == payment.capturable
    operation = pending_operation(
        operation_id, payment.id, OperationKind.CAPTURE, amount, final=final
    )
    return Begun(payment, operation)


def cancel(
    payment: Payment, open_operations: Sequence[Operation], operation_id: OperationId, now: datetime
) -> Begun:
    """Return the operation that cancels a payment; None if no provider has an open payment for it.

    Raises:
        Conflict: ``payment_not_cancelable`` or ``operation_in_progress``.
    """
    if payment.status not in CANCELABLE:
        raise Conflict(
            "payment_not_cancelable",
            f"The payment is {payment.status}; it can be canceled while it is one of: "
            f"{', '.join(sorted(CANCELABLE))}.",
        )
    _require_idle(open_operations)
    declined = payment.status is Status.REQUIRES_PAYMENT_METHOD
    if payment.status is Status.CREATED or (declined and not payment.declined_open):
        ended = replace(payment.without_failure(), status=Status.CANCELED, updated_at=now)
        return Begun(ended, None)
    operation = pending_operation(operation_id, payment.id, OperationKind.CANCEL, amount=0)
    return Begun(payment, operation)


def _require_idle(open_operations: Sequence[Operation]) -> None:
    """Refuse a command while the outcome of a capture or a cancellation is open.

    Only one of the two can succeed.
    """
    busy = {OperationKind.CAPTURE, OperationKind.CANCEL}
    for operation in open_operations:
        if operation.kind in busy:
            raise Conflict(
                "operation_in_progress",
                f"A {operation.kind} of the payment is still open; wait for its outcome.",
            )
