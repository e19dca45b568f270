"""Random histories on the real ledger, beside a ledger of dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from groat.accounts.domain.actions import AccountAction
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.commands import Unit
from groat.accounts.domain.decisions import Book, FactPostings
from groat.accounts.domain.kinds import TRANSFER
from groat.accounts.domain.ledger import Entry, StatementFilter, Transaction
from groat.accounts.infrastructure import accounts as store
from groat.accounts.infrastructure import ledger as book_store
from groat.accounts.service.claimed import ClaimedPosting
from groat.accounts.service.lanes import PostingLanes
from groat.accounts.service.locked import LockedPosting
from groat.app.verify import verify
from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import MerchantId
from groat.merchants.domain.actions import MerchantAction
from tests.support.clock import ManualClock
from tests.support.ledger_commands import NOW, UNITS, books
from tests.support.ledger_model import Model, model_of, word
from tests.support.world import World

History: TypeAlias = tuple[Book, list[tuple[int, list[Unit]]]]

HISTORIES = 50
"""Of about a hundred commands each: thousands in all."""


def histories() -> list[History]:
    """Return books and batches for them, the same every time."""
    found: list[History] = []

    @settings(
        max_examples=HISTORIES,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(books(), st.lists(st.tuples(st.integers(0, 4), UNITS), min_size=6, max_size=12))
    def collect(book: Book, batches: list[tuple[int, list[Unit]]]) -> None:
        found.append((book, batches))

    collect()
    return found


async def open_accounts(world: World, merchant_id: MerchantId, book: Book) -> None:
    """Put a book into the database as a merchant of its own, with the entries that made it."""
    await world.rows("insert into merchant values (%s, 'Model', '', now())", merchant_id)
    before = NOW - timedelta(days=1)
    facts = []
    for payer in [one for one in book.balances.values() if one.floor is None]:
        for one in book.balances.values():
            if one.currency == payer.currency and one.posted > 0:
                entries = (
                    Entry(payer.account_id, -one.posted, one.currency),
                    Entry(one.account_id, one.posted, one.currency),
                )
                reference = f"opening-{one.account_id}"
                facts.append(Transaction.of(merchant_id, TRANSFER, reference, entries))
    async with world.engine.database.transaction() as connection:
        specs = [
            (one.account_id, AccountSpec(f"a:{one.number}", one.currency, "credit", one.floor))
            for one in book.balances.values()
        ]
        await store.insert_accounts(connection, merchant_id, specs, before)
        changes = list(opened(merchant_id, book))
        if facts:
            posted = FactPostings(facts)
            _, more = await world.engine.postings.post(
                connection, merchant_id, posted, "engine", before
            )
            changes += more
        await world.engine.audit.write(connection, merchant_id, changes, before)
    for one in book.balances.values():
        query = "update balance set status = %s where merchant_id = %s and account_id = %s"
        await world.rows(query, one.status, merchant_id, one.account_id)


def opened(merchant_id: MerchantId, book: Book) -> Iterator[Change]:
    """Yield what the record says of the merchant and its accounts."""
    who = ("operator", Cause("test"))
    merchant = ids.widened(merchant_id)
    yield Change(MerchantAction.MERCHANT_CREATED, "merchant", merchant, *who, {"name": "Model"})
    for one in book.balances.values():
        data: dict[str, Scalar] = {
            "code": f"a:{one.number}",
            "currency": one.currency,
            "normal_side": "credit",
            "floor": one.floor,
        }
        yield Change(AccountAction.ACCOUNT_CREATED, "account", one.account_id, *who, data)
        status: dict[str, Scalar] = {"status": one.status}
        yield Change(AccountAction.ACCOUNT_UPDATED, "account", one.account_id, *who, status)


async def play(
    world: World, lanes: PostingLanes, clock: ManualClock, merchant_id: MerchantId, history: History
) -> int:
    """Submit a history's batches, and hold every outcome and balance against the model's."""
    book, batches = history
    model, commands = model_of(book), 0
    await open_accounts(world, merchant_id, book)
    caller = Caller(merchant_id, "key_model", "req_model")
    for seconds, units in batches:
        clock.advance(timedelta(seconds=seconds))
        outcomes = await asyncio.gather(*(lanes.submit(caller, unit) for unit in units))
        words = [[word(one) for one in many] for many in outcomes]
        assert words == [model.run(unit, clock.now()) for unit in units]
        commands += sum(map(len, units))
        await require_agreement(world, model, merchant_id)
    await require_statements(world, model, merchant_id)
    return commands


async def require_agreement(world: World, model: Model, merchant_id: MerchantId) -> None:
    async with world.engine.database.transaction() as connection:
        book = await book_store.lock(connection, merchant_id, model.accounts, model.holds)
    assert {account: (one.posted, one.held) for account, one in book.balances.items()} == {
        account: (one["posted"], one["held"]) for account, one in model.accounts.items()
    }
    assert {hold: (one.remaining, one.state) for hold, one in book.holds.items()} == {
        hold: (one["remaining"], one["state"]) for hold, one in model.holds.items()
    }


async def require_statements(world: World, model: Model, merchant_id: MerchantId) -> None:
    """Every line as the model has it, and the past balance at each line's moment."""
    accounts = world.engine.account_queries
    everything = StatementFilter(since=NOW, oldest_first=True)
    for account_id, expected in model.log.items():
        _, lines = await accounts.statement(merchant_id, account_id, everything, limit=1000)
        assert [(line.amount, line.balance_after) for line in lines] == expected
        for line in lines[::5]:
            _, then, _ = await accounts.balance_at(
                merchant_id, account_id, line.recorded_at, effective=False
            )
            assert then == line.balance_after


async def test_the_ledger_decides_as_the_model_does(world: World, both_ways: int) -> None:
    clock = ManualClock(NOW)
    engine = world.engine
    claimed = ClaimedPosting(engine.database, engine.audit, ids.uuid7, clock, least_gap=both_ways)
    locked = LockedPosting(ids.uuid7)
    lanes = PostingLanes(engine.database, engine.audit, claimed, locked, clock)
    commands = 0
    for number, history in enumerate(histories()):
        clock.moment = NOW
        commands += await play(world, lanes, clock, MerchantId(1000 + number), history)
    assert commands > 2000
    findings = await asyncio.to_thread(verify, world.settings, lambda _: None)
    assert {finding.name: finding.detail for finding in findings if not finding.ok} == {}
