"""Many at once, each on a connection of its own."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

from groat.audit.domain.record import Cause
from groat.kernel import ids
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.payments.domain.lifecycle import Outcome
from groat.payments.domain.standing import Arrival
from groat.providers.domain.facts import Captured, Report
from tests.support.world import World, without_answers


async def test_a_fact_reported_by_many_events_at_once_has_one_effect(world: World) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        paid = await asyncio.gather(*(hasty.pay(wallet) for _ in range(5)))
    arrivals = [
        Arrival(
            world.stripe.account_id,
            Report(
                PaymentId(ids.parse("payment", payment["id"])),
                f"pi_{number}",
                Captured(f"ch_{number}", Money(1050, "EUR")),
            ),
            Cause("test"),
        )
        for number, payment in enumerate(paid)
    ]

    async def apply(turn: int) -> list[Outcome]:
        mine = arrivals[turn % 5 :] + arrivals[: turn % 5]
        async with world.engine.database.transaction() as connection:
            verdicts = await world.engine.payment_facts.apply(connection, world.merchant_id, mine)
        return [verdict.outcome for verdict in verdicts]

    outcomes = await asyncio.gather(*(apply(turn) for turn in range(12)))
    assert Counter(itertools.chain(*outcomes)) == {Outcome.APPLIED: 5, Outcome.ALREADY_SO: 55}
    assert await world.balance(wallet) == 5 * 1050
    assert await world.rows("select count(*) from applied_effect") == [(5,)]


async def test_payments_to_one_hot_wallet_add_up(world: World) -> None:
    wallet = await world.wallet()
    payments = await asyncio.gather(
        *(world.pay(wallet, amount=100 + number) for number in range(40))
    )
    assert {payment["status"] for payment in payments} == {"succeeded"}
    assert await world.balance(wallet) == sum(100 + number for number in range(40))
    assert await world.engine.account_queries.imbalance() == 0
    versions = await world.rows("select version from balance order by version")
    assert versions == [(40,), (40,), (40,)]  # the wallet, fees, and the provider's balance
