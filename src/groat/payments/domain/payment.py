"""Payments and the orders that create them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import AccountId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value, replace
from groat.merchants.domain.credentials import ProviderName
from groat.payments.domain.lifecycle import Status
from groat.providers.domain.failures import FailureCode
from groat.routing.domain.decision import RoutingInput
from groat.routing.domain.route import Route
from groat.routing.domain.simulation import PastPayment

CaptureMethod: TypeAlias = Literal["automatic", "manual"]


class PaymentOrder(Value):
    """A merchant's order: charge ``amount`` to ``payment_method``, for ``beneficiary_id``.

    ``payment_method`` is a token of the provider of ``provider_account_id``. It is None if the
    customer chooses a method on the provider's page. With ``manual`` capture the amount is only
    authorized; a separate command captures it. ``return_url`` is the page to which the provider
    sends the customer after an action. ``kind`` is the caller's name for the kind of payment
    method, such as ``card``. With a ``route``, the account and the token are those of the route's
    current leg.
    """

    amount: Money
    beneficiary_id: AccountId
    provider_account_id: ProviderAccountId
    payment_method: str | None
    reference: str | None
    metadata: Mapping[str, str]
    capture_method: CaptureMethod = "automatic"
    return_url: str | None = None
    kind: str | None = None
    route: Route | None = None

    def __post_init__(self) -> None:
        if self.amount.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A payment's amount is 1 or more.")

    @property
    def first_account_id(self) -> ProviderAccountId:
        """The provider account of the first attempt."""
        return self.provider_account_id if self.route is None else self.route.first


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
        return account_id == self.order.provider_account_id or (
            route is not None and account_id in route.behind
        )

    def past(self) -> PastPayment:
        """Return the payment as the simulation of routing rules needs it."""
        order = self.order
        routed = RoutingInput(self.id, order.amount, order.kind, order.metadata, tokens={})
        return PastPayment(routed, order.first_account_id, order.provider_account_id)

    @property
    def capturable(self) -> int:
        """The amount that can still be captured, in minor units."""
        return self.authorized - self.captured if self.status is Status.AUTHORIZED else 0

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded, in minor units."""
        return max(0, self.captured - self.refunded - self.refund_pending - self.disputed)


class UnroutedOrder(Value):
    """An order whose provider account the routing rules choose.

    ``tokens`` has a payment method's token for each provider, None for a provider that needs none.
    """

    amount: Money
    beneficiary_id: AccountId
    tokens: Mapping[ProviderName, str | None]
    reference: str | None
    metadata: Mapping[str, str]
    capture_method: CaptureMethod
    return_url: str | None
    kind: str | None

    def routing_input(self, payment_id: PaymentId) -> RoutingInput:
        """Return the input of the routing rules."""
        return RoutingInput(payment_id, self.amount, self.kind, self.metadata, self.tokens)

    def along(self, route: Route) -> PaymentOrder:
        """Return the order for the first leg of ``route``.

        Raises:
            InvalidRequest: ``amount_not_positive``.
        """
        leg = route.leg
        return PaymentOrder(
            self.amount,
            self.beneficiary_id,
            leg.provider_account_id,
            leg.payment_method,
            self.reference,
            self.metadata,
            self.capture_method,
            self.return_url,
            self.kind,
            route,
        )


def on_route(order: PaymentOrder, route: Route) -> PaymentOrder:
    """Return the order for the current leg of ``route``."""
    leg = route.leg
    return replace(
        order,
        provider_account_id=leg.provider_account_id,
        payment_method=leg.payment_method,
        route=route,
    )


class PaymentFilter(NamedTuple):
    """A filter of payments by status, beneficiary and reference; None selects all."""

    status: Status | None = None
    beneficiary_id: AccountId | None = None
    reference: str | None = None
