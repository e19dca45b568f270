"""The plan of deliveries: the events of each phase and their order, the same for both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.webhooks import events
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.events import REPEATED

SATURATED = ("ingest", "end_to_end")
"""Phases in which every connection sends its next delivery without a pause."""

PACED = ("by_the_clock", "without_redis")
"""Phases with a fixed number of deliveries per second."""

Orders = Mapping[str, Sequence[int]]
"""The numbers of the events of each phase, in the order of their deliveries."""


def planned(rounds: Sequence[Mapping[str, int]]) -> list[Orders]:
    """Return the orders of each round. ``rounds`` has the number of deliveries of each phase."""
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
    """Return the number of payments that a plan needs."""
    return 1 + max(max(order) for orders in plan for order in orders.values())


def shared(orders: Orders, contestant: Contestant, *, is_last: bool) -> Orders:
    """Return the part of a round that a contestant gets.

    In a saturated phase the slower contestant gets only the beginning of each order. A contestant
    that needs Redis has the phase without Redis only once, in the last round.
    """
    part = {
        phase: order[: round(len(order) * contestant.share)] if phase in SATURATED else order
        for phase, order in orders.items()
    }
    if contestant.needs_redis and not is_last:
        part.pop("without_redis", None)
    return part
