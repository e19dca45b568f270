"""The database goes away after the provider was called: nobody is told to try again."""

from __future__ import annotations

import psycopg

from tests.integration.world import World


async def test_a_payment_that_cannot_be_concluded_is_answered_as_it_stands(world: World) -> None:
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
