"""Open operations: when to look them up again, and how an operator concludes one. Pure."""

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
from groat.providers.domain.facts import Authorized, Canceled, Captured, Fact, NotSent, Refunded
from groat.providers.domain.failures import FailureCode

_LOOKUPS = Backoff(base_seconds=5.0, cap_seconds=5.0 * 2**12, low=0.8, high=1.2)


class OpenOperation(Value):
    """An operation that is ``pending`` or ``unknown``.

    ``lookups`` counts the look-ups begun so far. While the operation is claimed, ``due_at`` is the
    end of the lease. ``age`` is the age at the time of reading, by PostgreSQL's clock alone. With
    a host's clock that is set back, the call could be repeated after the provider has forgotten its
    idempotency key, and the customer charged twice.
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
    """An operator's finding about an open operation, with its source as ``reason``.

    ``reference`` is the provider's id of the capture, the refund or the authorization.
    """

    succeeded: bool
    reference: str | None
    reason: str


def found_out(payment: Payment, operation: Operation, resolution: Resolution) -> Fact:
    """Return the fact that an operator's finding stands for.

    Raises:
        InvalidRequest: ``invalid_resolution``, a successful operation needs a reference.
    """
    if not resolution.succeeded:
        return NotSent(FailureCode.RESOLVED_BY_OPERATOR, resolution.reason)
    if operation.kind is OperationKind.CANCEL:
        return Canceled()
    if resolution.reference is None:
        raise InvalidRequest(
            "invalid_resolution",
            f"A successful {operation.kind} needs --reference, the provider's id of the result.",
        )
    amount = Money(operation.amount, payment.order.terms.amount.currency)
    match operation.kind:
        case OperationKind.REFUND:
            return Refunded(resolution.reference, amount)
        case OperationKind.AUTHORIZE if payment.order.terms.capture_method == "manual":
            return Authorized(resolution.reference, amount, expires_at=None)
        case OperationKind.AUTHORIZE | OperationKind.CAPTURE:
            return Captured(resolution.reference, amount, operation.final)


def lookup_delay(lookups: int, random: Random) -> timedelta:
    """Return the delay after ``lookups`` look-ups: doubling from 5 seconds to almost 6 hours.

    A jitter of a fifth spreads the operations that an outage left open. There is no last look-up:
    they continue until the outcome is known.
    """
    return timedelta(seconds=_LOOKUPS.seconds(lookups + 1, random))
