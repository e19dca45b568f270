"""The lifecycles of payments, refunds and disputes, as tables: status and fact to outcome.

The tables are total: each pair of a status and a fact has an outcome. A terminal status never
changes; a later fact is recorded and changes nothing. Timestamps of events never decide an order:
these tables do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from groat.kernel.value import Value
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    CaptureReturned,
    Declined,
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeUnderReview,
    Expired,
    InquiryClosed,
    InquiryOpened,
    NotSent,
    PaymentFact,
    Processing,
    Refunded,
    RefundFact,
    RefundFailed,
    RefundReversed,
    RequiresAction,
)


class Status(StrEnum):
    """The status of a payment. Amounts, not statuses, tell how much was captured or refunded."""

    CREATED = "created"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
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
    """The status of a dispute. It says nothing of money: the provider's movements do.

    An ``inquiry`` may become a dispute, or be ``closed``.
    """

    INQUIRY = "inquiry"
    CLOSED = "closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


class FactKind(StrEnum):
    """The kinds of facts about a payment: the columns of ``LIFECYCLE``.

    After a ``declined`` attempt another one may follow. A decline is ``declined_finally`` if its
    failure code is hard, or if the merchant's limit of attempts is reached.
    """

    REQUIRES_ACTION = "requires_action"
    APPROVED = "approved"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    CAPTURED_IN_PART = "captured_in_part"
    CAPTURED = "captured"
    CAPTURE_RETURNED = "capture_returned"
    DECLINED = "declined"
    DECLINED_FINALLY = "declined_finally"
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


QUARANTINED = frozenset({Outcome.AMOUNT_MISMATCH, Outcome.CONTRADICTION})
"""Outcomes in which money may have moved in a way that contradicts the payment. The fact is not
applied, its movements stand in suspense, and an operator decides."""

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
        declined=Next(Status.REQUIRES_PAYMENT_METHOD),
        declined_finally=Next(Status.FAILED),
        canceled=Next(Status.CANCELED),
        expired=Next(Status.EXPIRED),
        not_sent=Next(Status.REQUIRES_PAYMENT_METHOD),
    ),
    **_row(
        Status.REQUIRES_ACTION,
        requires_action=_SO,
        approved=Next(Status.PROCESSING),
        processing=Next(Status.PROCESSING),
        authorized=Next(Status.AUTHORIZED),
        captured_in_part=Next(Status.AUTHORIZED),
        captured=Next(Status.SUCCEEDED),
        declined=Next(Status.REQUIRES_PAYMENT_METHOD),
        declined_finally=Next(Status.FAILED),
        canceled=Next(Status.CANCELED),
        expired=Next(Status.EXPIRED),
    ),
    **_row(
        Status.REQUIRES_PAYMENT_METHOD,  # no attempt is under way
        authorized=_CONTRADICTION,
        captured_in_part=_CONTRADICTION,
        captured=_CONTRADICTION,
        declined=_SO,
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
        capture_returned=Next(Status.FAILED),
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
        declined_finally=_SO,
        canceled=_SO,
    ),
}
"""The table of payments. Rules in ``payment_facts`` come first. They recognise a capture that was
applied before by its effect, an authorization by its reference, and an excessive capture by its
amount. So an authorization that reaches the status ``authorized`` belongs to a payment of which a
part is captured already; and a capture that reaches ``succeeded`` is an earlier part. A payment
that is canceled or expires after a partial capture has ``succeeded`` with the captured part. A
payment that has succeeded fails only if the bank returns all of it: a part leaves its status. A
debit that fails before it succeeds is a decline. A fact about an earlier attempt is ``late``."""

RefundTold: TypeAlias = type[Refunded] | type[RefundFailed] | type[RefundReversed] | type[NotSent]

REFUND_LIFECYCLE: Mapping[tuple[RefundStatus, RefundTold], Answer[RefundStatus]] = {
    (RefundStatus.PENDING, Refunded): Next(RefundStatus.SUCCEEDED),
    (RefundStatus.PENDING, RefundFailed): Next(RefundStatus.FAILED),
    (RefundStatus.PENDING, RefundReversed): Next(RefundStatus.FAILED),
    (RefundStatus.PENDING, NotSent): Next(RefundStatus.FAILED),
    (RefundStatus.SUCCEEDED, Refunded): Outcome.CONTRADICTION,
    (RefundStatus.SUCCEEDED, RefundFailed): Outcome.CONTRADICTION,
    (RefundStatus.SUCCEEDED, RefundReversed): Next(RefundStatus.FAILED),
    (RefundStatus.SUCCEEDED, NotSent): Outcome.LATE,
    (RefundStatus.FAILED, Refunded): Outcome.CONTRADICTION,
    (RefundStatus.FAILED, RefundFailed): Outcome.ALREADY_SO,
    (RefundStatus.FAILED, RefundReversed): Outcome.ALREADY_SO,
    (RefundStatus.FAILED, NotSent): Outcome.LATE,
}
"""The table of refunds. As with captures, a refund that was applied before is recognised first, by
its effect. A refund may fail after it succeeded, because the customer's bank returns the money: the
amount can be refunded again. A rule in ``refund_facts`` comes first for the report of a success
that the provider took back before."""


DisputeTold: TypeAlias = type[DisputeFact] | bool
"""A kind of fact about a dispute; True stands for its end in the merchant's favour."""


def _disputed(
    status: DisputeStatus | None, **answers: Answer[DisputeStatus]
) -> dict[tuple[DisputeStatus | None, DisputeTold], Answer[DisputeStatus]]:
    """Return the row of a dispute's status; a fact that is not named is known already."""
    return {(status, kind): answers.get(name, _SO) for name, kind in _DISPUTE_TOLD.items()}


_DISPUTE_TOLD: Mapping[str, DisputeTold] = {
    "inquiry": InquiryOpened,
    "closed": InquiryClosed,
    "opened": DisputeOpened,
    "under_review": DisputeUnderReview,
    "won": True,
    "lost": False,
}
_DISPUTE_ENDS = {"won": Next(DisputeStatus.WON), "lost": Next(DisputeStatus.LOST)}
_BECOMES_A_DISPUTE = {
    "opened": Next(DisputeStatus.NEEDS_RESPONSE),
    "under_review": Next(DisputeStatus.UNDER_REVIEW),
    **_DISPUTE_ENDS,
}

DISPUTE_LIFECYCLE: Mapping[tuple[DisputeStatus | None, DisputeTold], Answer[DisputeStatus]] = {
    **_disputed(
        None,
        inquiry=Next(DisputeStatus.INQUIRY),
        closed=Next(DisputeStatus.CLOSED),
        **_BECOMES_A_DISPUTE,
    ),
    **_disputed(DisputeStatus.INQUIRY, closed=Next(DisputeStatus.CLOSED), **_BECOMES_A_DISPUTE),
    **_disputed(DisputeStatus.CLOSED, **_BECOMES_A_DISPUTE),
    **_disputed(
        DisputeStatus.NEEDS_RESPONSE,
        closed=_LATE,
        under_review=Next(DisputeStatus.UNDER_REVIEW),
        **_DISPUTE_ENDS,
    ),
    **_disputed(DisputeStatus.UNDER_REVIEW, closed=_LATE, **_DISPUTE_ENDS),
    **_disputed(DisputeStatus.LOST, closed=_LATE, won=Next(DisputeStatus.WON)),
    **_disputed(DisputeStatus.WON, closed=_LATE, lost=_LATE),
}
"""The table of disputes; None is a dispute that is not known yet, so any fact may be its first
report. An inquiry may become a dispute, under the same id. A lost dispute may be won afterwards; a
report of the loss that comes later still is late."""


def answer(status: Status, kind: FactKind) -> Answer[Status]:
    """Return the outcome of a fact of ``kind`` for a payment in ``status``."""
    return LIFECYCLE[status, kind]


def answer_refund(status: RefundStatus, fact: RefundFact) -> Answer[RefundStatus]:
    """Return the outcome of ``fact`` for a refund in ``status``."""
    return REFUND_LIFECYCLE[status, type(fact)]


def answer_dispute(status: DisputeStatus | None, fact: DisputeFact) -> Answer[DisputeStatus]:
    """Return the outcome of ``fact`` for a dispute in ``status``, None if it is not known yet."""
    kind = fact.won if isinstance(fact, DisputeClosed) else type(fact)
    return DISPUTE_LIFECYCLE[status, kind]


def told(fact: PaymentFact) -> FactKind:
    """Return the kind of a fact about a payment; of a decline, ``declined``."""
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
    CaptureReturned: FactKind.CAPTURE_RETURNED,
    Declined: FactKind.DECLINED,
    Canceled: FactKind.CANCELED,
    Expired: FactKind.EXPIRED,
    NotSent: FactKind.NOT_SENT,
}
