"""The connection ends while something is under way: before, in the middle of, or after a commit."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from groat.accounts.domain.chart import opened
from groat.accounts.domain.ledger import RecordedTransaction
from groat.accounts.domain.orders import HoldCapture, HoldOrder, TransferOrder
from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId
from groat.kernel.money import Money
from tests.integration.accounts.proxy import losing_answers
from tests.support.world import World

CONNECTIONS_TO_END = 3


@pytest.fixture
def ledger_claims(both_ways: int) -> int:
    return both_ways


def caller(world: World) -> Caller:
    return Caller(world.merchant_id, "key_test", "req_test")


async def till_and_wallet(world: World) -> tuple[AccountId, AccountId]:
    accounts = world.engine.accounts
    till = await accounts.create(caller(world), opened("till", "EUR", "debit"))
    wallet = await accounts.create(caller(world), opened("wallet:x", "EUR", floor=0))
    return till.id, wallet.id


async def require_right(world: World, wallet: AccountId, balance: int) -> None:
    assert (await world.engine.account_queries.get(world.merchant_id, wallet)).posted == balance
    findings = await asyncio.to_thread(verify, world.settings, lambda _: None)
    assert {finding.name: finding.detail for finding in findings if not finding.ok} == {}


async def test_a_commit_with_a_lost_answer_is_looked_up(world: World) -> None:
    till, wallet = await till_and_wallet(world)
    async with losing_answers(world.database_url) as (proxy, url):
        settings = world.settings.model_copy(update={"database_url": SecretStr(url)})
        async with open_engine(settings) as engine:
            for number in range(5):
                proxy.to_lose = 1
                order = TransferOrder(f"alone-{number}", till, wallet, Money(10, "EUR"))
                answer = await engine.transfers.transfer(caller(world), order)
                assert answer.reference == order.reference
            assert proxy.lost == 5
            orders = [
                TransferOrder(f"many-{number}", till, wallet, Money(1, "EUR"))
                for number in range(100)
            ]
            proxy.to_lose = 2
            answers = await asyncio.gather(
                *(engine.transfers.transfer(caller(world), order) for order in orders)
            )
            assert len({answer.id for answer in answers}) == 100
    assert proxy.lost == 7
    await require_right(world, wallet, 150)


async def test_a_hold_with_lost_answers_is_placed_and_captured_once(world: World) -> None:
    till, wallet = await till_and_wallet(world)
    who = caller(world)
    fill = TransferOrder("fill", till, wallet, Money(100, "EUR"))
    await world.engine.transfers.transfer(who, fill)
    async with losing_answers(world.database_url) as (proxy, url):
        settings = world.settings.model_copy(update={"database_url": SecretStr(url)})
        async with open_engine(settings) as engine:
            proxy.to_lose = 1
            hold = await engine.transfers.place_hold(who, HoldOrder("h", wallet, Money(60, "EUR")))
            proxy.to_lose = 1
            stands = await engine.transfers.capture_hold(who, HoldCapture("c", hold.id, till, 25))
            proxy.to_lose = 1
            released = await engine.transfers.release_hold(who, hold.id)
    assert proxy.lost == 3
    assert (stands.hold.captured, stands.hold.remaining) == (25, 35)
    assert (released.captured, released.state) == (25, "released")
    await require_right(world, wallet, 75)


async def test_interrupted_connections_lose_no_transfer(world: World) -> None:
    till, wallet = await till_and_wallet(world)
    sent = ended = 0
    async with asyncio.timeout(300):
        while ended < CONNECTIONS_TO_END:
            orders = [
                TransferOrder(f"t-{sent + number}", till, wallet, Money(1, "EUR"))
                for number in range(500)
            ]
            transfers = asyncio.gather(
                *(world.engine.transfers.transfer(caller(world), order) for order in orders)
            )
            ended += await end_connections_at_work(world, transfers)
            assert len({answer.id for answer in await transfers}) == len(orders)
            sent += len(orders)
    await require_right(world, wallet, sent)


async def end_connections_at_work(
    world: World, work: asyncio.Future[list[RecordedTransaction]]
) -> int:
    """End the connections that are at work, as soon as one is; return how many were ended."""
    ended = 0
    while not ended and not work.done():
        ended = len(
            await world.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'groat' and datname = current_database()"
                " and state <> 'idle'"
            )
        )
    return ended
