"""The lifecycles of payments, refunds and disputes, as tables: status and fact to outcome.

The tables are total: each pair of a status and a fact has an outcome. A terminal status never
changes; a later fact is recorded and changes nothing. Timestamps of events never decide an order:
these tables do.
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
    """The status of a payment. Amounts, not statuses, tell how much was captured or refunded."""

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
    """The status of a refund. While ``pending``, a hold reserves its amount."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """The status of a dispute. Its withdrawals and reinstatements of money are effects."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


class FactKind(StrEnum):
    """The kinds of facts about a payment: the columns of ``LIFECYCLE``."""

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
    """The fact moves the payment, the refund or the dispute to ``status``."""

    status: AnyStatus


class Outcome(StrEnum):
    """The outcome of a fact: applied, or the reason why it was not."""

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
"""Outcomes in which money may have moved in a way that contradicts the payment. Nothing is posted,
and an operator decides."""

Answer: TypeAlias = Next[AnyStatus] | Outcome

_LATE = Outcome.LATE
_SO = Outcome.ALREADY_SO
_CONTRADICTION = Outcome.CONTRADICTION


def _row(
    status: Status, **answers: Answer[Status]
) -> dict[tuple[Status, FactKind], Answer[Status]]:
    """Return the row of a status; a fact that is not named is ``late``."""
    return {(status, told): answers.get(told.value, _LATE) for told in FactKind}


LIFECYCLE: Mapping[tuple[Status, FactKind], Answer[Status]] = {
    **_row(
        Status.CREATED,  # no provider was called yet
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
"""The table of payments. Rules in ``payment_facts`` come first. They recognise a capture that was
applied before by its effect, an authorization by its reference, and an excessive capture by its
amount. So an authorization that reaches the status ``authorized`` belongs to a payment of which a
part is captured already; and a capture that reaches ``succeeded`` is an earlier part. A payment
that is canceled or expires after a partial capture has ``succeeded`` with the captured part."""

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
"""The table of refunds. As with captures, a refund that was applied before is recognised first, by
its effect. A refund may fail after it succeeded, because the customer's bank returns the money.
That contradicts the payment, and an operator decides."""


def answer(status: Status, fact: PaymentFact) -> Answer[Status]:
    """Return the outcome of ``fact`` for a payment in ``status``."""
    return LIFECYCLE[status, told(fact)]


def answer_refund(status: RefundStatus, fact: RefundFact) -> Answer[RefundStatus]:
    """Return the outcome of ``fact`` for a refund in ``status``."""
    return REFUND_LIFECYCLE[status, type(fact)]


def answer_dispute(status: DisputeStatus | None, fact: DisputeFact) -> Answer[DisputeStatus]:
    """Return the outcome of ``fact`` for a dispute in ``status``, None if it is not known yet.

    Any fact but a reinstatement may be the first report of a dispute. A withdrawal or a
    reinstatement applies in any status; its effect keeps it from applying twice.
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
    """Return the kind of a fact about a payment."""
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
