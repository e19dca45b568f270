"""Claims as PostgreSQL judges them: beside the decision under locks, and while balances change."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, LiteralString, TypeVar

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from groat.accounts.domain.chart import opened
from groat.accounts.domain.claims import Judgement, claimed
from groat.accounts.domain.commands import (
    Posted,
    PostTransaction,
    Refusal,
    Refused,
    Submission,
    Unit,
)
from groat.accounts.domain.decisions import Book, decide
from groat.accounts.domain.ledger import AccountStatus, Balance
from groat.accounts.domain.orders import TransferOrder, transfer
from groat.accounts.infrastructure import ledger as store
from groat.accounts.service.claimed import ClaimedPosting
from groat.accounts.service.lanes import PostingLanes
from groat.accounts.service.locked import LockedPosting
from groat.audit.domain.record import OpenRecord
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, LedgerBatchId, MerchantId, RecordId
from groat.kernel.money import Money
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from tests.support.clock import ManualClock
from tests.support.ledger_commands import NOW, batches_of_posts, demanding_books
from tests.support.soundness import assert_sound
from tests.support.world import World

Example = TypeVar("Example")
Change = tuple[int, int, AccountStatus]
"""A change from outside: the place of an account, an amount, and the account's new status."""

EXAMPLES = 300
DISTURBED_EXAMPLES = 150

ROWS: dict[str, LiteralString] = {
    "transactions": (
        "select id, request_hash, effective_at, kind, reference, subject from ledger_transaction"
        " where merchant_id = %s order by id"
    ),
    "entries": (
        "select account_number, transaction_id, amount, balance_after from ledger_entry"
        " where merchant_id = %s order by account_number, recorded_at"
    ),
    "balances": (
        "select account_id, posted, held, floor, version, status from balance"
        " where merchant_id = %s order by account_id"
    ),
}


def examples(strategy: st.SearchStrategy[Example], count: int) -> list[Example]:
    """Return examples, the same every time."""
    found: list[Example] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Example) -> None:
        found.append(example)

    collect()
    return found


class Desk:
    """A connection past the engine, which puts books in as they are and reads rows."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def put(self, merchant_id: MerchantId, book: Book) -> None:
        """Insert a merchant with the balances of ``book``."""
        insert = "insert into merchant values (%s, 'Claims', '', now())"
        await self._connection.execute(insert, [merchant_id])
        cursor = self._connection.cursor()
        balances = book.balances.values()
        await cursor.executemany(
            "insert into account (merchant_id, id, code, currency, normal_side, is_engine,"
            " created_at) values (%s, %s, %s, %s, 'credit', false, now())",
            [(merchant_id, one.account_id, str(one.number), one.currency) for one in balances],
        )
        await cursor.executemany(
            "insert into balance (merchant_id, account_id, number, currency, status, posted, held,"
            " floor, version, recorded_at, is_engine)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(merchant_id, *one) for one in balances],
        )

    async def change(self, merchant_id: MerchantId, one: Balance) -> None:
        """Change a balance, as another process does."""
        await self._connection.execute(
            "update balance set posted = %s, status = %s"
            " where merchant_id = %s and account_id = %s",
            [one.posted, one.status, merchant_id, one.account_id],
        )

    async def rows(self, merchant_id: MerchantId) -> dict[str, list[Any]]:
        """Return the merchant's ledger, without the times."""
        return {
            name: await (await self._connection.execute(query, [merchant_id])).fetchall()
            for name, query in ROWS.items()
        }


@asynccontextmanager
async def desk(world: World) -> AsyncIterator[Desk]:
    connect = psycopg.AsyncConnection.connect(world.database_url, autocommit=True)
    async with await connect as connection:
        yield Desk(connection)


async def by_claims(
    connection: Connection, merchant_id: MerchantId, posts: Sequence[PostTransaction]
) -> Judgement:
    record = OpenRecord(RecordId(ids.uuid7()), ids.uuid7(), b"{", b"}")
    batch = claimed([one.transaction for one in posts])
    batch_id = LedgerBatchId(int(merchant_id))
    return await store.post_by_claims(connection, merchant_id, batch_id, batch, record, NOW)


async def test_postgresql_judges_as_the_decision_does_and_both_ways_leave_the_same_rows(
    world: World,
) -> None:
    seen: Counter[bool] = Counter()
    locked, database = LockedPosting(ids.uuid7), world.engine.database
    cases = examples(st.tuples(demanding_books(), batches_of_posts()), EXAMPLES)
    async with desk(world) as past:
        for number, (book, posts) in enumerate(cases):
            one, other = MerchantId(2 * number + 1000), MerchantId(2 * number + 1001)
            await past.put(one, book)
            await past.put(other, book)
            before = await past.rows(one)
            units: list[Unit] = [(post,) for post in posts]
            outcomes = decide(book, units, NOW).outcomes
            refused = any(isinstance(outcome, Refused) for (outcome,) in outcomes)
            async with database.autocommit() as connection:
                judged = await by_claims(connection, one, posts)
            assert (judged.first_at is None) == refused == bool(judged.failed)
            seen[refused] += 1
            if refused:
                assert await past.rows(one) == before
                continue
            async with database.transaction() as connection:
                submissions = [Submission("r", unit) for unit in units]
                await locked.execute(connection, other, "key", submissions, NOW)
            assert await past.rows(one) == await past.rows(other)
    assert min(seen[True], seen[False]) > EXAMPLES / 6


class Disturbed(Database):
    """The database of an engine, on which others act before each exchange of the fast way."""

    def __init__(self, url: str) -> None:
        super().__init__(url, max_connections=4)
        self.disturbances: list[Callable[[], Awaitable[object]]] = []

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Connection]:
        if self.disturbances:
            await self.disturbances.pop(0)()
        async with super().autocommit() as connection:
            yield connection


@asynccontextmanager
async def disturbed(world: World) -> AsyncIterator[tuple[Disturbed, PostingLanes]]:
    """Yield lanes on a database that can be disturbed. Every batch is tried by claims."""
    database, audit, clock = Disturbed(world.database_url), world.engine.audit, ManualClock(NOW)
    await database.open()
    try:
        claims = ClaimedPosting(database, audit, ids.uuid7, clock, least_gap=1)
        yield database, PostingLanes(database, audit, claims, LockedPosting(ids.uuid7), clock)
    finally:
        await database.close()


STATUSES: list[AccountStatus] = ["open", "frozen"]
CHANGES: st.SearchStrategy[Change] = st.tuples(
    st.integers(0, 7), st.integers(-60, 60), st.sampled_from(STATUSES)
)


def changed(balance: Balance, amount: int, status: AccountStatus) -> Balance:
    """Return the balance with another amount, not below its floor, and another status."""
    posted = balance.posted + amount
    if balance.floor is not None:
        posted = max(posted, balance.floor + balance.held)
    return balance._replace(posted=posted, status=status)


async def test_outcomes_are_decided_by_the_balances_that_others_left_between_two_tries(
    world: World,
) -> None:
    """What others change after a failed try counts as if it had happened before the batch."""
    strategy = st.tuples(
        demanding_books(), batches_of_posts(), st.lists(CHANGES, min_size=3, max_size=3)
    )
    tries: Counter[int] = Counter()
    async with desk(world) as past, disturbed(world) as (database, lanes):
        for number, (book, posts, changes) in enumerate(examples(strategy, DISTURBED_EXAMPLES)):
            merchant = MerchantId(number + 1000)
            await past.put(merchant, book)
            balances = dict(book.balances)

            async def disturb(change: Change) -> None:
                place, amount, status = change
                one = changed([*balances.values()][place], amount, status)  # noqa: B023
                balances[one.account_id] = one  # noqa: B023
                await past.change(merchant, one)  # noqa: B023

            database.disturbances = [partial(disturb, change) for change in changes]
            caller = Caller(merchant, f"key_{number}", "req_test")
            submitted = [lanes.submit(caller, (post,)) for post in posts]
            outcomes = await asyncio.gather(*submitted)
            tries[len(changes) - len(database.disturbances)] += 1
            expected = decide(Book(balances), [(post,) for post in posts], NOW).outcomes
            assert [said(one) for one in outcomes] == [said(one) for one in expected]
    assert min(tries[1], tries[2]) > DISTURBED_EXAMPLES / 10


def said(outcomes: Sequence[object]) -> list[object]:
    """Return outcomes without times, which the order of the tries moves by microseconds."""
    return [one.transaction_id if isinstance(one, Posted) else one for one in outcomes]


async def test_a_reference_that_others_post_during_the_try_is_answered_as_a_repetition(
    world: World,
) -> None:
    accounts, who = world.engine.accounts, Caller(world.merchant_id, "key_test", "req_test")
    till = (await accounts.create(who, opened("till", "EUR", "debit"))).id
    wallet = (await accounts.create(who, opened("wallet:x", "EUR", floor=0))).id
    orders = [TransferOrder(f"r-{number}", till, wallet, Money(5, "EUR")) for number in range(9)]
    async with disturbed(world) as (database, lanes):
        elsewhere = world.engine.transfers.transfer
        database.disturbances = [partial(elsewhere, who, orders[4])]
        outcomes = await asyncio.gather(
            *[lanes.submit(who, (transfer(world.merchant_id, order),)) for order in orders]
        )
    answers = [one for (one,) in outcomes if isinstance(one, Posted)]
    assert [one.replayed for one in answers] == [number == 4 for number in range(9)]
    assert (await world.engine.account_queries.get(world.merchant_id, wallet)).posted == 45
    await assert_sound(world)


async def test_units_that_fail_one_try_after_the_other_are_decided_under_locks(
    world: World,
) -> None:
    """One wallet is empty at the first try, and full afterwards; another is frozen meanwhile."""
    accounts, who = world.engine.accounts, Caller(world.merchant_id, "key_test", "req_test")
    till = (await accounts.create(who, opened("till", "EUR", "debit"))).id
    late, frozen, plain, *payees = [
        (await accounts.create(who, opened(f"wallet:{number}", "EUR", floor=0))).id
        for number in range(6)
    ]

    async def fill(wallet: AccountId) -> None:
        order = TransferOrder(f"fill-{wallet}", till, wallet, Money(100, "EUR"))
        await world.engine.transfers.transfer(who, order)

    async def between() -> None:
        await fill(late)
        await accounts.update(who, frozen, status="frozen")

    async def nothing() -> None: ...

    await fill(frozen)
    await fill(plain)
    pairs = zip((late, frozen, plain), payees, strict=True)
    orders = [
        TransferOrder(f"from-{source}", source, payee, Money(100, "EUR")) for source, payee in pairs
    ]
    async with disturbed(world) as (database, lanes):
        database.disturbances = [nothing, between, nothing]
        (first,), (second,), (third,) = await asyncio.gather(
            *[lanes.submit(who, (transfer(world.merchant_id, order),)) for order in orders]
        )
        assert not database.disturbances
    assert isinstance(first, Posted)
    assert second == Refused(Refusal.ACCOUNT_FROZEN, {"account": frozen})
    assert isinstance(third, Posted)
    await assert_sound(world)
