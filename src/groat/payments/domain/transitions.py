"""The objects that facts changed, before and after, for the events that tell the merchant. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from groat.audit.domain.record import Change, Transition
from groat.kernel.ids import DisputeId, PaymentId
from groat.kernel.value import replace
from groat.payments.domain.dispute import Dispute, DisputeDetails, DisputeMoney
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import Standing
from groat.payments.domain.verdict import Verdict


class Moved(NamedTuple):
    """The effects of the postings of facts.

    ``changes`` are the audit records of the postings. ``owed`` has the new debts, by payment.
    ``before`` and ``after`` have the money of disputes.
    """

    changes: Sequence[Change]
    owed: Mapping[PaymentId, int]
    before: Mapping[DisputeId, DisputeMoney]
    after: Mapping[DisputeId, DisputeMoney]

    @property
    def told(self) -> frozenset[UUID]:
        """The ids of the objects whose own changes tell the postings."""
        return frozenset(one.object_id for one in self.changes)


def shown_changes(standing: Standing, verdicts: Sequence[Verdict], moved: Moved) -> list[Change]:
    """Return the changes of verdicts and postings, each with the transition of its object.

    A fact about a refund or a dispute changes that object, any other fact its payment. The money of
    a dispute changes its payment. If two changes are of one object, the second transition begins
    where the first one ended.
    """
    latest = _before(standing, moved)
    changes: list[Change] = []
    for verdict in verdicts:
        about = verdict.refund or verdict.dispute
        if verdict.change is None:
            latest |= _changed(verdict, moved)
            continue
        object_id = verdict.change.object_id if about is None else about.id
        before = latest.get(object_id)
        latest |= _changed(verdict, moved)
        changes.append(replace(verdict.change, transition=Transition(before, latest[object_id])))
    for change in moved.changes:
        payment = latest.get(change.object_id)
        if not isinstance(payment, Payment):  # it is of the ledger
            changes.append(change)
            continue
        after = latest[change.object_id] = _with_debt(payment, moved.owed)
        changes.append(replace(change, transition=Transition(payment, after)))
    return changes


def _before(standing: Standing, moved: Moved) -> dict[UUID, object]:
    """Return the objects before the facts, by their ids."""
    known: dict[UUID, object] = {
        key: _with_money(dispute, moved.before) for key, dispute in standing.disputes.items()
    }
    for payment in standing.payments.values():
        known[payment.id] = payment
    for refund in standing.refunds.values():
        known[refund.id] = refund
    return known


def _changed(verdict: Verdict, moved: Moved) -> dict[UUID, object]:
    """Return the objects that a verdict changed, by their ids."""
    changed: dict[UUID, object] = {}
    if verdict.payment is not None:
        payment = verdict.payment
        told_later = payment.id in moved.told
        changed[payment.id] = payment if told_later else _with_debt(payment, moved.owed)
    if verdict.refund is not None:
        changed[verdict.refund.id] = verdict.refund
    if verdict.dispute is not None:
        changed[verdict.dispute.id] = _with_money(verdict.dispute, moved.after)
    return changed


def _with_debt(payment: Payment, owed: Mapping[PaymentId, int]) -> Payment:
    return replace(payment, owed=owed.get(payment.id, payment.owed))


def _with_money(dispute: Dispute, money: Mapping[DisputeId, DisputeMoney]) -> DisputeDetails:
    return DisputeDetails(dispute, money.get(dispute.id, DisputeMoney()))
