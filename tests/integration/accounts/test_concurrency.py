"""Many writers, each process with connections of its own, on the same few accounts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from groat.accounts.domain.chart import opened
from groat.accounts.domain.orders import HoldCapture, HoldOrder, TransferOrder
from groat.accounts.service.transfers import TransferService
from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.kernel.caller import Caller
from groat.kernel.errors import GroatError
from groat.kernel.ids import AccountId
from groat.kernel.money import Money
from tests.support.world import World

ENGINES = 4


@pytest.fixture
def ledger_claims(both_ways: int) -> int:
    return both_ways


@pytest.fixture
async def ledgers(world: World) -> AsyncIterator[list[TransferService]]:
    """The ledger as several processes have it: each with a pool and lanes of its own."""
    async with AsyncExitStack() as stack:
        yield [
            (await stack.enter_async_context(open_engine(world.settings))).transfers
            for _ in range(ENGINES)
        ]


def caller(world: World) -> Caller:
    return Caller(world.merchant_id, "key_test", "req_test")


async def open_wallets(world: World, count: int, each: int) -> list[AccountId]:
    """Open wallets with ``each`` in them, and an account that paid for it."""
    accounts, who = world.engine.accounts, caller(world)
    till = await accounts.create(who, opened("till", "EUR", "debit"))
    wallets = [
        (await accounts.create(who, opened(f"wallet:{number}", "EUR", floor=0))).id
        for number in range(count)
    ]
    for wallet in wallets if each else []:
        order = TransferOrder(f"fill-{wallet}", till.id, wallet, Money(each, "EUR"))
        await world.engine.transfers.transfer(who, order)
    return wallets


async def attempt(ledger: TransferService, who: Caller, order: TransferOrder) -> str:
    try:
        await ledger.transfer(who, order)
    except GroatError as error:
        return error.code
    return "posted"


async def require_right(world: World) -> None:
    findings = await asyncio.to_thread(verify, world.settings, lambda _: None)
    assert {finding.name: finding.detail for finding in findings if not finding.ok} == {}


async def deadlocks(world: World) -> int:
    """Return PostgreSQL's count. Connections report to it at their end at the latest: end them."""
    await world.rows(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
        " where application_name = 'groat' and datname = current_database()"
    )
    [(count,)] = await world.rows(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    return int(count)


async def test_the_bank_always_holds_the_same_total(
    world: World, ledgers: list[TransferService]
) -> None:
    wallets, who = await open_wallets(world, 10, 1000), caller(world)
    reads: list[int] = []
    writing = True

    async def write(number: int) -> Counter[str]:
        luck = random.Random(number)  # noqa: S311 - repeatable
        said: Counter[str] = Counter()
        for turn in range(40):
            debit, credit = luck.sample(wallets, 2)
            order = TransferOrder(
                f"w{number}-{turn}", debit, credit, Money(luck.randint(1, 900), "EUR")
            )
            said[await attempt(ledgers[number % ENGINES], who, order)] += 1
        return said

    async def read() -> None:
        while writing:
            [(total,)] = await world.rows(
                "select sum(posted) from balance where account_id = any(%s)", wallets
            )
            reads.append(int(total))

    reader = asyncio.create_task(read())
    said = sum(await asyncio.gather(*(write(number) for number in range(20))), Counter[str]())
    writing = False
    await reader
    assert set(reads) == {10_000}
    assert len(reads) > 10
    assert said.keys() == {"posted", "insufficient_funds"}
    assert said.total() == 800
    await require_right(world)


async def test_one_of_a_hundred_racers_gets_the_last_unit(
    world: World, ledgers: list[TransferService]
) -> None:
    (source, target), who = await open_wallets(world, 2, 1), caller(world)
    orders = [
        TransferOrder(f"racer-{number}", source, target, Money(1, "EUR")) for number in range(100)
    ]
    said = await asyncio.gather(
        *(attempt(ledgers[number % ENGINES], who, order) for number, order in enumerate(orders))
    )
    assert Counter(said) == {"posted": 1, "insufficient_funds": 99}
    await require_right(world)


async def test_transfers_in_opposite_orders_never_deadlock(
    world: World, ledgers: list[TransferService]
) -> None:
    wallets, who = await open_wallets(world, 3, 100_000), caller(world)
    before = await deadlocks(world)
    pairs = [(a, b) for a in wallets for b in wallets if a != b]

    async def cross(task: int) -> Counter[str]:
        """Post one transfer after the other, so that many small batches meet."""
        said: Counter[str] = Counter()
        for turn in range(50):
            pair = pairs[(task + turn) % len(pairs)]
            order = TransferOrder(f"o-{task}-{turn}", *pair, Money(1, "EUR"))
            said[await attempt(ledgers[task % ENGINES], who, order)] += 1
        return said

    said = sum(await asyncio.gather(*(cross(task) for task in range(24))), Counter[str]())
    assert said == {"posted": 1200}
    await require_right(world)
    assert await deadlocks(world) == before


async def test_batches_that_share_references_in_opposite_orders_never_deadlock(
    world: World, ledgers: list[TransferService]
) -> None:
    """They touch different accounts, so only the references can make one wait for the other."""
    first, second, third, fourth = await open_wallets(world, 4, 100_000)
    who, cent = caller(world), Money(1, "EUR")
    before = await deadlocks(world)
    for turn in range(30):
        references = [f"shared-{turn}-{number}" for number in range(100)]
        there = [TransferOrder(one, first, second, cent) for one in references]
        back = [TransferOrder(one, third, fourth, cent) for one in references[::-1]]
        answers = await asyncio.gather(
            ledgers[0].transfer_linked(who, there), ledgers[1].transfer_linked(who, back)
        )
        posted = [all(not isinstance(one, GroatError) for one in many) for many in answers]
        assert sorted(posted) == [False, True]
    await require_right(world)
    assert await deadlocks(world) == before


async def test_one_reference_from_many_processes_posts_once(
    world: World, ledgers: list[TransferService]
) -> None:
    (source, target), who = await open_wallets(world, 2, 100), caller(world)
    order = TransferOrder("once", source, target, Money(30, "EUR"))
    answers = await asyncio.gather(
        *(ledgers[number % ENGINES].transfer(who, order) for number in range(60))
    )
    assert len({(one.id, one.recorded_at) for one in answers}) == 1
    assert (await world.engine.account_queries.get(world.merchant_id, target)).posted == 130
    await require_right(world)


async def test_one_reference_for_different_things_is_used_by_one_of_them(
    world: World, ledgers: list[TransferService]
) -> None:
    wallets, who = await open_wallets(world, 8, 100), caller(world)
    orders = [
        TransferOrder("contested", source, target, Money(10, "EUR"))
        for source, target in zip(wallets[::2], wallets[1::2], strict=True)
    ]
    said = await asyncio.gather(
        *(attempt(ledgers[number % ENGINES], who, orders[number % 4]) for number in range(40))
    )
    assert Counter(said) == {"posted": 10, "reference_reused": 30}
    await require_right(world)


async def test_a_hold_is_captured_or_released_but_not_both(
    world: World, ledgers: list[TransferService]
) -> None:
    (source, target), who = await open_wallets(world, 2, 1000), caller(world)
    for number in range(10):
        order = HoldOrder(f"hold-{number}", source, Money(50, "EUR"))
        hold = await world.engine.transfers.place_hold(who, order)

        async def capture(ledger: TransferService, reference: str) -> str:
            try:
                await ledger.capture_hold(who, HoldCapture(reference, hold.id, target))  # noqa: B023
            except GroatError as error:
                return error.code
            return "captured"

        async def release(ledger: TransferService) -> str:
            try:
                await ledger.release_hold(who, hold.id)  # noqa: B023
            except GroatError as error:
                return error.code
            return "released"

        said = await asyncio.gather(
            *(capture(ledger, f"c-{number}-{turn}") for turn, ledger in enumerate(ledgers)),
            *(release(ledger) for ledger in ledgers),
        )
        assert Counter(said) in (
            {"captured": 1, "hold_not_open": 2 * ENGINES - 1},
            {"released": ENGINES, "hold_not_open": ENGINES},
        )
    await require_right(world)
