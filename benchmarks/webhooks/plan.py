"""Which events are delivered in which phase, in which order: the same to both contestants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.webhooks import events
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.events import REPEATED

SATURATED = ("ingest", "end_to_end")
PACED = ("by_the_clock", "without_redis")

Orders = Mapping[str, Sequence[int]]
"""For each phase the events in the order of their deliveries."""


def planned(rounds: Sequence[Mapping[str, int]]) -> list[Orders]:
    """Return the orders of each round, given how many deliveries each of its phases has."""
    plan: list[Orders] = []
    first = 0
    for sizes in rounds:
        orders: dict[str, Sequence[int]] = {}
        for phase, size in sizes.items():
            distinct = round(size * (1 - REPEATED))
            orders[phase] = events.deliveries(range(first, first + distinct), seed=first)
            first += distinct
        plan.append(orders)
    return plan


def payments(plan: Sequence[Orders]) -> int:
    """Return how many payments a plan needs."""
    return 1 + max(max(order) for orders in plan for order in orders.values())


def shared(orders: Orders, contestant: Contestant, *, is_last: bool) -> Orders:
    """Return what a contestant is given of a round.

    Who is slower gets the beginning of each order that is delivered as fast as can be. Who stands
    still without Redis is not made to but once, at the end.
    """
    mine = {
        phase: order[: round(len(order) * contestant.share)] if phase in SATURATED else order
        for phase, order in orders.items()
    }
    if contestant.needs_redis and not is_last:
        mine.pop("without_redis", None)
    return mine
