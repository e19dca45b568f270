"""Operations whose outcome nobody has learned: when to ask for it again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from groat.kernel.backoff import Backoff
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.payment import Payment
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Fact,
    NotSent,
    Refunded,
)
from groat.providers.domain.failures import FailureCode

_LOOKUPS = Backoff(base_seconds=5.0, cap_seconds=5.0 * 2**12, low=0.8, high=1.2)


class OpenOperation(Value):
    """An operation that is ``pending`` or ``unknown``. ``lookups`` counts those that were begun.

    While it is claimed, ``due_at`` is when the lease ends. ``age`` is how old it was when
    it was read, by PostgreSQL's clock alone: a host's that is set back would have a call made again
    whose key the provider has forgotten, and so another charge.
    """

    merchant_id: MerchantId
    provider_account_id: ProviderAccountId
    operation: Operation
    reason: str | None
    lookups: int
    due_at: datetime
    created_at: datetime
    age: timedelta


class Resolution(Value):
    """What an operator has found out about an operation that nobody told us of, and how.

    ``reference`` is the provider's id of what was done (a capture, a refund, an authorization).
    """

    succeeded: bool
    reference: str | None
    reason: str


def found_out(payment: Payment, operation: Operation, resolution: Resolution) -> Fact:
    """Return the fact that an operator's word is taken for.

    Raises:
        InvalidRequest: ``invalid_resolution``; what was done needs a reference.
    """
    if not resolution.succeeded:
        return NotSent(FailureCode.RESOLVED_BY_OPERATOR, resolution.reason)
    if operation.kind is OperationKind.CANCEL:
        return Canceled()
    if resolution.reference is None:
        raise InvalidRequest(
            "invalid_resolution",
            f"A successful {operation.kind} needs --reference, the provider's id of what it did.",
        )
    amount = Money(operation.amount, payment.order.amount.currency)
    match operation.kind:
        case OperationKind.REFUND:
            return Refunded(resolution.reference, amount)
        case OperationKind.AUTHORIZE if payment.order.capture_method == "manual":
            return Authorized(resolution.reference, amount, expires_at=None)
        case OperationKind.AUTHORIZE | OperationKind.CAPTURE:
            return Captured(resolution.reference, amount, operation.final)


def lookup_delay(lookups: int, random: Random) -> timedelta:
    """Return the delay after ``lookups`` look-ups: doubling from 5 seconds to almost 6 hours.

    The jitter of a fifth keeps the operations that an outage left open from returning all at once.
    There is no last look-up: an unknown outcome is asked for as long as it is unknown.
    """
    return timedelta(seconds=_LOOKUPS.seconds(lookups + 1, random))
