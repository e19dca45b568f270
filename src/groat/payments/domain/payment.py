"""Payments and the orders that create them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import AccountId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value, field
from groat.merchants.domain.credentials import ProviderName
from groat.payments.domain.lifecycle import Status
from groat.providers.domain.failures import FailureCode
from groat.routing.domain.decision import RoutingInput
from groat.routing.domain.route import Route
from groat.routing.domain.simulation import PastPayment

CaptureMethod: TypeAlias = Literal["automatic", "manual"]


class PaymentTerms(Value):
    """The terms of a payment: everything but the provider account that takes it.

    With ``manual`` capture the amount is only authorized; a separate command captures it.
    ``return_url`` is the page to which the provider sends the customer after an action.
    ``method_kind`` is the caller's name for the kind of payment method, such as ``card``.
    """

    amount: Money
    beneficiary_id: AccountId
    reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    capture_method: CaptureMethod = "automatic"
    return_url: str | None = None
    method_kind: str | None = None

    def __post_init__(self) -> None:
        if self.amount.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A payment's amount is 1 or more.")


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
    """An order whose provider account the routing rules choose.

    ``tokens`` has a payment method's token for each provider, None for a provider that needs none.
    """

    terms: PaymentTerms
    tokens: Mapping[ProviderName, str | None]

    def routing_input(self, payment_id: PaymentId) -> RoutingInput:
        """Return the input of the routing rules."""
        terms = self.terms
        return RoutingInput(
            payment_id, terms.amount, terms.method_kind, terms.metadata, self.tokens
        )


class Payment(Value):
    """A payment. Amounts are in minor units of the order's currency.

    ``captured`` is a part of ``authorized``. ``refunded``, ``refund_pending`` and ``disputed``
    (taken by disputes) are parts of ``captured``. ``provider_reference`` and
    ``authorization_reference`` are the provider's ids, as in ``Report`` and ``Authorized``.
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
    disputed: int = 0
    provider_reference: str | None = None
    authorization_reference: str | None = None
    authorization_expires_at: datetime | None = None
    next_action_url: str | None = None

    def was_tried_with(self, account_id: ProviderAccountId) -> bool:
        """Return whether the payment is or was at this provider account."""
        route = self.order.route
        return account_id == route.leg.provider_account_id or account_id in route.behind

    def past(self) -> PastPayment:
        """Return the payment as a simulation of routing rules sees it."""
        terms, route = self.order.terms, self.order.route
        routed = RoutingInput(self.id, terms.amount, terms.method_kind, terms.metadata, tokens={})
        return PastPayment(routed, route.first, route.leg.provider_account_id)

    @property
    def capturable(self) -> int:
        """The amount that can still be captured, in minor units."""
        return self.authorized - self.captured if self.status is Status.AUTHORIZED else 0

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded, in minor units."""
        return max(0, self.captured - self.refunded - self.refund_pending - self.disputed)


class PaymentFilter(NamedTuple):
    """A filter of payments by status, beneficiary and reference; None selects all."""

    status: Status | None = None
    beneficiary_id: AccountId | None = None
    reference: str | None = None
