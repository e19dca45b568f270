"""The database goes away after the provider was called: nobody is told to try again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import psycopg

from tests.support.world import World

CUTS = 2
CUT_WHAT_WAITS = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where wait_event_type = 'Lock' and datname = current_database()"
)


async def test_a_payment_that_cannot_be_settled_is_answered_with_its_present_status(
    world: World,
) -> None:
    wallet = await world.wallet()
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        await connection.execute("select from balance for update")
        payment = await world.pay(wallet)
    assert payment["status"] == "processing"
    [charge] = await world.stripe.charges()
    assert charge["reference"] == payment["id"]

    await world.deliver_all(await world.posted_mail())
    await world.drain()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert await world.balance(wallet) == 1050


async def claimed(world: World) -> None:
    """Return once a worker has claimed the operation."""
    while not await world.rows("select from operation where lookups = 1"):  # noqa: ASYNC110 - SQL
        await asyncio.sleep(0.01)


async def test_an_operation_is_deferred_with_its_reason_despite_cut_connections(
    world: World,
) -> None:
    await world.stripe.set_faults(answer="cut_before")
    await world.pay(await world.wallet())
    await world.make_due()
    cut = 0
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        async with world.locked("lock table payment in access exclusive mode"):  # asks nothing yet
            recovering = asyncio.create_task(world.engine.recovery.recover_batch())
            await claimed(world)
            await stack.enter_async_context(world.locked("select from operation for update"))
        while cut < CUTS and not recovering.done():
            await asyncio.sleep(0.01)
            cut += len(await world.rows(CUT_WHAT_WAITS))
        await stack.aclose()
        assert await recovering == 1
    assert cut == CUTS
    [(reason, is_soon)] = await world.rows(
        "select reason, due_at < now() + interval '1 minute' from operation"
    )
    assert reason is not None
    assert is_soon
