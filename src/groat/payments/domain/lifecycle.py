"""The lives of payments, refunds and disputes, as data: what comes of a fact in each status.

The tables are total. Terminal statuses are never left; a fact that comes after one is recorded and
changes nothing. Order never comes from timestamps: these tables decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar, assert_never

from groat.kernel.value import Value
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    Declined,
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeReinstated,
    DisputeUnderReview,
    DisputeWithdrawn,
    Expired,
    NotSent,
    PaymentFact,
    Processing,
    Refunded,
    RefundFact,
    RefundFailed,
    RequiresAction,
)


class Status(StrEnum):
    """Where a payment stands. Amounts, not statuses, say how much was captured or refunded."""

    CREATED = "created"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    EXPIRED = "expired"
    FAILED = "failed"


TERMINAL = frozenset({Status.SUCCEEDED, Status.CANCELED, Status.EXPIRED, Status.FAILED})


class RefundStatus(StrEnum):
    """Where a refund stands. While it is ``pending``, a hold reserves it on the beneficiary."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """Where a dispute stands. What it took and gave back are effects, which say so themselves."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


class FactKind(StrEnum):
    """What facts about a payment tell, as the table knows them."""

    REQUIRES_ACTION = "requires_action"
    APPROVED = "approved"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    CAPTURED_IN_PART = "captured_in_part"
    CAPTURED = "captured"
    DECLINED = "declined"
    CANCELED = "canceled"
    EXPIRED = "expired"
    NOT_SENT = "not_sent"


AnyStatus = TypeVar("AnyStatus", Status, RefundStatus, DisputeStatus)


class Next(Value, Generic[AnyStatus]):
    """The fact takes the payment, the refund or the dispute to ``status``."""

    status: AnyStatus


class Outcome(StrEnum):
    """What became of a fact."""

    APPLIED = "applied"
    ALREADY_SO = "already_so"
    LATE = "late"
    PREMATURE = "premature"
    UNKNOWN_PAYMENT = "unknown_payment"
    FOREIGN = "foreign"
    AMOUNT_MISMATCH = "amount_mismatch"
    CONTRADICTION = "contradiction"
    FOREIGN_REFUND = "foreign_refund"


QUARANTINED = frozenset({Outcome.AMOUNT_MISMATCH, Outcome.CONTRADICTION, Outcome.FOREIGN_REFUND})
"""Money may have moved in a way that the payment cannot account for: nothing is posted, and an
operator decides."""

Answer: TypeAlias = Next[AnyStatus] | Outcome

_LATE = Outcome.LATE
_SO = Outcome.ALREADY_SO
_CONTRADICTION = Outcome.CONTRADICTION


def _row(
    status: Status, **answers: Answer[Status]
) -> dict[tuple[Status, FactKind], Answer[Status]]:
    """Return the answers of a status; what is not named comes too late to change it."""
    return {(status, told): answers.get(told.value, _LATE) for told in FactKind}


LIFECYCLE: Mapping[tuple[Status, FactKind], Answer[Status]] = {
    **_row(
        Status.CREATED,  # nothing was asked of a provider
        authorized=_CONTRADICTION,
        captured_in_part=_CONTRADICTION,
        captured=_CONTRADICTION,
    ),
    **_row(
        Status.PROCESSING,
        requires_action=Next(Status.REQUIRES_ACTION),
        approved=_SO,
        processing=_SO,
        authorized=Next(Status.AUTHORIZED),
        captured_in_part=Next(Status.AUTHORIZED),
        captured=Next(Status.SUCCEEDED),
        declined=Next(Status.FAILED),
        canceled=Next(Status.CANCELED),
        expired=Next(Status.EXPIRED),
        not_sent=Next(Status.FAILED),
    ),
    **_row(
        Status.REQUIRES_ACTION,
        requires_action=_SO,
        approved=Next(Status.PROCESSING),
        processing=Next(Status.PROCESSING),
        authorized=Next(Status.AUTHORIZED),
        captured_in_part=Next(Status.AUTHORIZED),
        captured=Next(Status.SUCCEEDED),
        declined=Next(Status.FAILED),
        canceled=Next(Status.CANCELED),
        expired=Next(Status.EXPIRED),
    ),
    **_row(
        Status.AUTHORIZED,
        processing=_SO,
        authorized=Next(Status.AUTHORIZED),
        captured_in_part=Next(Status.AUTHORIZED),
        captured=Next(Status.SUCCEEDED),
        canceled=Next(Status.CANCELED),
        expired=Next(Status.EXPIRED),
    ),
    **_row(
        Status.SUCCEEDED,
        captured_in_part=Next(Status.SUCCEEDED),
        captured=Next(Status.SUCCEEDED),
    ),
    **_row(
        Status.CANCELED,
        captured_in_part=_CONTRADICTION,
        captured=_CONTRADICTION,
        canceled=_SO,
    ),
    **_row(
        Status.EXPIRED,
        captured_in_part=_CONTRADICTION,
        captured=_CONTRADICTION,
        expired=_SO,
    ),
    **_row(
        Status.FAILED,
        authorized=_CONTRADICTION,
        captured_in_part=_CONTRADICTION,
        captured=_CONTRADICTION,
        declined=_SO,
    ),
}
"""What was applied before is told apart first, a capture by its effect and an authorization by its
reference; and a capture that is too much by its amount: see ``payment_facts``. So an authorization
that comes to ``authorized`` is that of a part already captured, and a capture that comes to
``succeeded`` is an earlier part. What is
canceled or expires after a part was captured has succeeded with it: see ``payment.ended``."""

RefundTold: TypeAlias = type[Refunded] | type[RefundFailed] | type[NotSent]

REFUND_LIFECYCLE: Mapping[tuple[RefundStatus, RefundTold], Answer[RefundStatus]] = {
    (RefundStatus.PENDING, Refunded): Next(RefundStatus.SUCCEEDED),
    (RefundStatus.PENDING, RefundFailed): Next(RefundStatus.FAILED),
    (RefundStatus.PENDING, NotSent): Next(RefundStatus.FAILED),
    (RefundStatus.SUCCEEDED, Refunded): Outcome.CONTRADICTION,
    (RefundStatus.SUCCEEDED, RefundFailed): Outcome.CONTRADICTION,
    (RefundStatus.SUCCEEDED, NotSent): Outcome.LATE,
    (RefundStatus.FAILED, Refunded): Outcome.CONTRADICTION,
    (RefundStatus.FAILED, RefundFailed): Outcome.ALREADY_SO,
    (RefundStatus.FAILED, NotSent): Outcome.LATE,
}
"""As with captures, a refund that was applied before is told apart first. One that failed after it
had succeeded (the customer's bank sent it back) is money that came back, and set aside too."""


def answer(status: Status, fact: PaymentFact) -> Answer[Status]:
    """Return what comes of ``fact`` for a payment in ``status``."""
    return LIFECYCLE[status, told(fact)]


def answer_refund(status: RefundStatus, fact: RefundFact) -> Answer[RefundStatus]:
    """Return what comes of ``fact`` for a refund in ``status``."""
    return REFUND_LIFECYCLE[status, type(fact)]


def answer_dispute(status: DisputeStatus | None, fact: DisputeFact) -> Answer[DisputeStatus]:
    """Return what comes of ``fact`` for a dispute in ``status``, None if it is not known yet.

    Any fact may be the first that we hear of. Money that was taken or given back moves in any
    status: whether it has moved before, its effect says.
    """
    match fact:
        case DisputeOpened():
            return Next(DisputeStatus.NEEDS_RESPONSE) if status is None else _SO
        case DisputeUnderReview():
            is_earlier = status in {None, DisputeStatus.NEEDS_RESPONSE}
            return Next(DisputeStatus.UNDER_REVIEW) if is_earlier else _SO
        case DisputeReinstated() if status is None:
            return Outcome.PREMATURE
        case DisputeWithdrawn() | DisputeReinstated():
            return Next(status or DisputeStatus.NEEDS_RESPONSE)
        case DisputeClosed(won=won):
            verdict = DisputeStatus.WON if won else DisputeStatus.LOST
            if status in {DisputeStatus.WON, DisputeStatus.LOST}:
                return _SO if status is verdict else _CONTRADICTION
            return Next(verdict)
        case _:
            assert_never(fact)


def told(fact: PaymentFact) -> FactKind:
    """Return what a fact about a payment tells."""
    match fact:
        case Captured(final=final):
            return FactKind.CAPTURED if final else FactKind.CAPTURED_IN_PART
        case _:
            return _TOLD[type(fact)]


_TOLD: Mapping[type, FactKind] = {
    RequiresAction: FactKind.REQUIRES_ACTION,
    Approved: FactKind.APPROVED,
    Processing: FactKind.PROCESSING,
    Authorized: FactKind.AUTHORIZED,
    Declined: FactKind.DECLINED,
    Canceled: FactKind.CANCELED,
    Expired: FactKind.EXPIRED,
    NotSent: FactKind.NOT_SENT,
}
