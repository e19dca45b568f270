"""The objects that facts changed, before and after, for the events that tell the merchant. Pure."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from groat.audit.domain.record import Change, Transition
from groat.kernel.ids import DisputeId
from groat.kernel.value import replace
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.standing import Standing
from groat.payments.domain.verdict import Verdict


def shown_changes(
    standing: Standing, verdicts: Sequence[Verdict], shortfalls: Mapping[DisputeId, int]
) -> list[Change]:
    """Return the changes of verdicts, each with the transition of its object.

    A fact about a refund or a dispute changes that object, any other fact its payment. If two
    verdicts change one object, the second transition begins where the first one ended.
    ``shortfalls`` are the parts of withdrawals that the beneficiary lacked, known once posted.
    """
    known: list[Mapping[Any, object]] = [standing.payments, standing.refunds, standing.disputes]
    latest: dict[UUID, object] = dict(ChainMap(*map(dict, known)))
    changes: list[Change] = []
    for verdict in verdicts:
        about = verdict.refund or verdict.dispute
        if verdict.change is None:
            latest |= _changed(verdict, shortfalls)
            continue
        object_id = verdict.change.object_id if about is None else about.id
        before = latest.get(object_id)
        latest |= _changed(verdict, shortfalls)
        transition = Transition(before, latest[object_id])
        changes.append(replace(verdict.change, transition=transition))
    return changes


def _changed(verdict: Verdict, shortfalls: Mapping[DisputeId, int]) -> dict[UUID, object]:
    """Return the objects that a verdict changed, by their ids."""
    dispute = None if verdict.dispute is None else _posted(verdict.dispute, shortfalls)
    return {one.id: one for one in (verdict.payment, verdict.refund, dispute) if one is not None}


def _posted(dispute: Dispute, shortfalls: Mapping[DisputeId, int]) -> Dispute:
    if dispute.shortfall is not None or dispute.id not in shortfalls:
        return dispute
    return replace(dispute, shortfall=shortfalls[dispute.id])
