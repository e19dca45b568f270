"""What must be true once all is done: each event applied once, and every cent accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from groat.kernel import ids
from tests.faults.ground import Ground
from tests.faults.stripe_events import Event

APPLIED, KNOWN = ("processed", None), ("processed", "already_so")


class Standing(NamedTuple):
    """How an event stands in the inbox."""

    status: str
    reason: str | None
    deliveries: int
    attempts: int

    @property
    def outcome(self) -> tuple[str, str | None]:
        return self.status, self.reason


async def inbox(ground: Ground) -> dict[str, Standing]:
    """Return how every event of the inbox stands, by Stripe's id of it."""
    rows = await ground.rows(
        "select provider_reference, status, reason, e.deliveries + coalesce(r.deliveries, 0),"
        " attempts from provider_event e left join provider_event_repetition r"
        " using (merchant_id, provider_account_id, provider_reference)"
    )
    return {event_id: Standing(*rest) for event_id, *rest in rows}


async def assert_applied_once(ground: Ground, events: Sequence[Event]) -> None:
    """See that each event had its effect once, and nothing else had any.

    ``events`` are all that are not dead. Of two that tell the same one is applied, and the other
    finds it done.
    """
    standings = {
        event_id: found
        for event_id, found in (await inbox(ground)).items()
        if found.status != "dead"
    }
    assert standings.keys() ^ {event.id for event in events} == set()
    astray = {
        event.id: standings[event.id]
        for event in events
        if standings[event.id].outcome not in ({APPLIED, KNOWN} if event.captures else {APPLIED})
    }
    assert astray == {}
    applied = [event for event in events if standings[event.id].outcome == APPLIED]
    paid = Counter(event.payment for event in applied if event.captures)
    owed = Counter({event.payment for event in events})
    assert (owed - paid, paid - owed) == (Counter(), Counter()), "not paid, paid again"
    await _assert_effects(ground, applied)
    await _assert_captured_once(ground, [payment.reference for payment in paid])
    await ground.assert_sound()


async def _assert_effects(ground: Ground, applied: Sequence[Event]) -> None:
    """Hold the effects, the ledger and the balances against what the applied events say."""
    captures = [event.payment for event in applied if event.captures]
    disputes = [event.payment for event in applied if not event.captures]
    assert sorted(("captured", one.charge, one.amount) for one in captures) == sorted(
        await ground.rows("select kind, reference, amount from applied_effect")
    )
    assert sorted((one.dispute, -one.amount) for one in disputes) == sorted(
        await ground.rows(
            "select reference, borne from movement_attribution where place = 'beneficiary'"
        )
    )
    assert await ground.rows("select count(*) from ledger_transaction") == [(len(applied),)]
    captured, taken = (sum(one.amount for one in some) for some in (captures, disputes))
    rows = await ground.rows(
        "select split_part(code, ':', 1), sum(posted)::bigint from balance"
        " join account on account.id = account_id group by 1 having sum(posted) <> 0"
    )
    assert dict(rows) == {
        "clearing": -captured,
        "wallet": captured - taken,
        **({"provider": taken} if taken else {}),
    }


async def _assert_captured_once(ground: Ground, references: Collection[str]) -> None:
    """See that each payment succeeded, and that its record says so once."""
    rows = await ground.rows(
        "select p.id, p.status, p.captured = p.amount, count(*) "
        "from payment p join audit_record r on r.object_id = p.id "
        "where convert_from(r.body, 'UTF8')::jsonb ->> 'action' = 'payment.captured' "
        "group by 1, 2, 3"
    )
    assert {row[1:] for row in rows} == {("succeeded", True, 1)}
    assert sorted(ids.render("payment", row[0]) for row in rows) == sorted(references)
