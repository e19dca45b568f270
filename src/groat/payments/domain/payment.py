"""A payment, as it stands."""

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
    """What a merchant asks for: take ``amount`` with ``payment_method``, for ``beneficiary_id``.

    ``payment_method`` is the token of the provider behind ``provider_account_id``, None where the
    customer chooses how to pay on the provider's page. With ``manual`` capture the amount is
    reserved first and taken by a command of its own. ``return_url`` is where the customer is sent
    after an action of theirs. ``kind`` is what the caller says the payment method is, such as
    ``card``. With a ``route`` the account and the token are those of the leg that it is at.
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
        """The provider account that it was tried with first."""
        return self.provider_account_id if self.route is None else self.route.first


class Payment(Value):
    """A payment. Amounts are in minor units of the order's currency.

    Of what is ``authorized``, ``captured`` was taken; of that, ``refunded`` was given back,
    ``refund_pending`` is on its way, and ``disputed`` was taken away by disputes.
    ``provider_reference`` and ``authorization_reference`` are the provider's ids, as in ``Report``
    and ``Authorized``.
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
        """Return whether the payment is, or was, at this provider account."""
        route = self.order.route
        return account_id == self.order.provider_account_id or (
            route is not None and account_id in route.behind
        )

    def past(self) -> PastPayment:
        """Return the payment as a simulation of routing rules sees it."""
        order = self.order
        routed = RoutingInput(self.id, order.amount, order.kind, order.metadata, tokens={})
        return PastPayment(routed, order.first_account_id, order.provider_account_id)

    @property
    def capturable(self) -> int:
        """What can still be captured."""
        return self.authorized - self.captured if self.status is Status.AUTHORIZED else 0

    @property
    def refundable(self) -> int:
        """What can still be refunded."""
        return max(0, self.captured - self.refunded - self.refund_pending - self.disputed)


class UnroutedOrder(Value):
    """A payment for which the routing rules are to choose the account.

    ``tokens`` are its payment method's, by provider, since a token belongs to one; None where a
    provider needs none.
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
        """Return what routing looks at."""
        return RoutingInput(payment_id, self.amount, self.kind, self.metadata, self.tokens)

    def along(self, route: Route) -> PaymentOrder:
        """Return the order along a route, at its beginning.

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
    """Return the order as it is at the leg that ``route`` is at."""
    leg = route.leg
    return replace(
        order,
        provider_account_id=leg.provider_account_id,
        payment_method=leg.payment_method,
        route=route,
    )


class PaymentFilter(NamedTuple):
    """Which payments: all, or those of one status, beneficiary or reference."""

    status: Status | None = None
    beneficiary_id: AccountId | None = None
    reference: str | None = None
