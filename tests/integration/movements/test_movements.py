"""Movements on a real database: each once, also when many report it at the same time."""

from __future__ import annotations

import asyncio
import random

import pytest

from groat.kernel.clock import SystemClock
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.movements.domain.attribution import Owner
from groat.movements.domain.booking import Reports, ToldFact
from groat.providers.domain.movements import Movement, MovementCategory
from tests.support.movements import import_file, itemized, moved, post
from tests.support.soundness import assert_sound
from tests.support.world import World


async def balances(world: World) -> dict[str, int]:
    """Return the balances of the engine's accounts that are not zero, by purpose and currency."""
    accounts = await world.engine.account_queries.page(world.merchant_id, limit=100)
    return {
        f"{one.spec.code.partition(':')[0]}:{one.spec.currency}": one.balance
        for one in accounts
        if one.spec.is_engine and one.balance
    }


async def _tell(world: World, reference: str, amount: int, currency: str = "EUR") -> None:
    """Note a captured amount in the open items, as the facts of payments do."""
    engine, now = world.engine, SystemClock().now()
    fact = ToldFact(reference, reference, Money(-amount, currency))
    async with engine.database.transaction() as connection:
        await engine.movements.decide(
            connection,
            world.merchant_id,
            world.stripe.account_id,
            Reports((fact,), ()),
            lambda book, _: book.tell(fact),
            now,
        )


async def _open(world: World) -> dict[str, int]:
    items = await world.engine.movement_queries.open_items(
        world.merchant_id, world.stripe.account_id, limit=100
    )
    return {item.reference: item.open_amount for item in items}


async def test_a_movement_is_posted_to_provider_fees_tax_and_clearing(world: World) -> None:
    await post(world, [moved("txn_1", MovementCategory.CHARGE, 1050, fee=41, tax=2)])
    assert await balances(world) == {
        "provider:EUR": 1007,
        "fees:EUR": 41,
        "tax:EUR": 2,
        "clearing:EUR": -1050,
    }
    assert await _open(world) == {"ch_txn_1": 1050}
    await assert_sound(world)


async def test_the_same_movements_at_the_same_time_are_posted_once(world: World) -> None:
    movements = [moved(f"txn_{n}", MovementCategory.CHARGE, 100 + n, fee=3) for n in range(20)]
    chance = random.Random(5)  # noqa: S311 - the same orders in every run
    orders = [chance.sample(movements, len(movements)) for _ in range(6)]
    booked = await asyncio.gather(*(post(world, order) for order in orders))
    assert sorted(one.movement.key for batch in booked for one in batch) == sorted(
        movement.key for movement in movements
    )
    assert (await balances(world))["provider:EUR"] == sum(one.net for one in movements)
    await assert_sound(world)


async def test_fact_and_movement_at_the_same_time_clear_each_other(world: World) -> None:
    charges = [moved(f"txn_{n}", MovementCategory.CHARGE, 1050) for n in range(8)]
    converted = [
        Movement(
            "txn_gbp",
            MovementCategory.CHARGE,
            "charge",
            charges[0].occurred_at,
            "GBP",
            3172,
            source="ch_usd",
            parent="ch_usd",
        )
    ]
    await asyncio.gather(
        *(post(world, [one]) for one in [*charges, *converted]),
        *(_tell(world, f"ch_{one.key}", 1050) for one in charges),
        _tell(world, "ch_usd", 5000, "USD"),
    )
    assert await _open(world) == {}


async def test_a_movement_that_was_read_before_is_posted_once(world: World) -> None:
    movement = moved("txn_1", MovementCategory.PAYOUT, -500)
    engine, now = world.engine, SystemClock().now()
    async with engine.database.transaction() as connection:
        added = await engine.movements.read(
            connection, world.merchant_id, world.stripe.account_id, [movement], now
        )
    assert added == {"txn_1"}
    assert await balances(world) == {}
    assert len(await post(world, [movement, movement])) == 1
    assert await post(world, [movement]) == []
    assert await balances(world) == {"provider:EUR": -500, "in_transit:EUR": 500}
    await assert_sound(world)


async def test_the_first_report_of_a_movement_is_the_one_that_is_posted(world: World) -> None:
    movement = moved("txn_1", MovementCategory.CHARGE, 1050, fee=41)
    await import_file(world, itemized([movement]))
    await post(world, [replace(movement, fee=39, tax=2)])
    assert (await balances(world))["fees:EUR"] == 41
    await assert_sound(world)


async def test_a_movement_of_zero_has_a_place_and_no_posting(world: World) -> None:
    (booked,) = await post(world, [moved("txn_1", MovementCategory.CHARGE, 0)])
    assert not booked.lines
    assert await post(world, [moved("txn_1", MovementCategory.CHARGE, 0)]) == []
    await assert_sound(world)


@pytest.mark.parametrize(
    ("owner", "account"), [(Owner.OTHER_SYSTEM, "foreign:EUR"), (Owner.UNKNOWN, "suspense:EUR")]
)
async def test_foreign_money_is_in_the_books(world: World, owner: Owner, account: str) -> None:
    await post(world, [moved("txn_1", MovementCategory.CHARGE, 70)], owner)
    assert await balances(world) == {"provider:EUR": 70, account: -70}
    await assert_sound(world)
