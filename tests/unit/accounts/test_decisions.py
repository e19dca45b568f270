from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings

from groat.accounts.domain.commands import (
    Command,
    CommandOutcome,
    EndHold,
    HoldStands,
    Posted,
    PostTransaction,
    Refusal,
    Refused,
    Unit,
)
from groat.accounts.domain.decisions import (
    Book,
    FactPostings,
    WrongCurrency,
    decide,
    record,
)
from groat.accounts.domain.kinds import TRANSFER, TransactionKind
from groat.accounts.domain.ledger import Balance, Entry, Hold, Transaction
from groat.accounts.domain.orders import HoldCapture, HoldOrder, capture, hold
from groat.accounts.domain.refusals import as_error
from groat.kernel.ids import AccountId, HoldId
from groat.kernel.money import MAX_AMOUNT, Money
from groat.kernel.value import replace
from tests.support.ledger_commands import (
    DOLLARS,
    EUROS,
    MERCHANT,
    NOW,
    UNITS,
    applied,
    balance,
    books,
    sums,
)

TILL, ALICE, BOB = EUROS[:3]


@settings(max_examples=400)
@given(books(), UNITS)
def test_a_batch_equals_its_units_one_by_one(book: Book, units: list[Unit]) -> None:
    together = decide(book, units, NOW)
    outcomes, posted, running = [], [], book
    for unit in units:
        one = decide(running, [unit], NOW)
        outcomes += one.outcomes
        posted += one.posted
        running = applied(running, one)
    assert together.outcomes == outcomes
    assert together.posted == posted
    after = applied(book, together)
    assert (after.balances, after.holds) == (running.balances, running.holds)


@settings(max_examples=400)
@given(books(), UNITS)
def test_money_is_neither_created_nor_lost_nor_overdrawn(book: Book, units: list[Unit]) -> None:
    before = {account: one.posted for account, one in book.balances.items()}
    assert sums(book.balances) == {"EUR": 0, "USD": 0}
    for unit in units:
        book = applied(book, decide(book, [unit], NOW))
        assert sums(book.balances) == {"EUR": 0, "USD": 0}
        held: dict[AccountId, int] = defaultdict(int)
        for standing in book.holds.values():
            held[standing.account_id] += standing.remaining
        for account, one in book.balances.items():
            assert one.floor is None or one.available >= min(one.floor, before[account])
            assert one.held == held[account] >= 0


@settings(max_examples=200)
@given(books(), UNITS)
def test_a_refused_unit_changes_nothing(book: Book, units: list[Unit]) -> None:
    for unit in units:
        decision = decide(book, [unit], NOW)
        [outcomes] = decision.outcomes
        assert len(outcomes) == len(unit)
        if any(isinstance(one, Refused) for one in outcomes):
            assert all(isinstance(one, Refused) for one in outcomes)
            refused = [one for one in outcomes if isinstance(one, Refused)]
            real = [one for one in refused if one.refusal is not Refusal.LINKED_REFUSED]
            assert len(real) == 1
            assert as_error(real[0]).code == real[0].refusal
            assert decision.posted == [[]]
            assert decision.changes == Book({})
        book = applied(book, decision)


@settings(max_examples=200)
@given(books(), UNITS)
def test_entries_of_an_account_follow_each_other_in_time(book: Book, units: list[Unit]) -> None:
    decision = decide(book, units, NOW)
    numbers = {one.number: one for one in book.balances.values()}
    last = {number: one.recorded_at for number, one in numbers.items()}
    running = {number: one.posted for number, one in numbers.items()}
    count = dict.fromkeys(numbers, 0)
    for posted in [one for many in decision.posted for one in many]:
        assert {entry.recorded_at for entry in posted.entries} == {posted.recorded_at}
        assert sum(entry.amount for entry in posted.transaction.entries) == 0
        for entry in posted.entries:
            assert entry.recorded_at > last[entry.account_number]
            last[entry.account_number] = entry.recorded_at
            running[entry.account_number] += entry.amount
            assert entry.balance_after == running[entry.account_number]
            count[entry.account_number] += 1
    for one in decision.changes.balances.values():
        assert one.posted == running[one.number]
        assert one.version == count[one.number]
        assert one.recorded_at == last[one.number]


def book_of(*balances: Balance) -> Book:
    return Book({one.account_id: one for one in balances})


OPEN = book_of(
    balance(TILL, "EUR", posted=-100, floor=None),
    balance(ALICE, "EUR", posted=100),
    balance(BOB, "EUR"),
    balance(DOLLARS[0], "USD"),
)


def transfer(amount: int, reference: str = "r", currency: str = "EUR") -> PostTransaction:
    entries = (Entry(ALICE, -amount, currency), Entry(BOB, amount, currency))
    return PostTransaction(Transaction.of(MERCHANT, TRANSFER, reference, entries))


def outcome(book: Book, command: Command) -> CommandOutcome:
    [[found]] = decide(book, [(command,)], NOW).outcomes
    return found


def refusal(book: Book, command: Command) -> Refused:
    found = outcome(book, command)
    assert isinstance(found, Refused)
    return found


def test_a_refusal_has_the_figures_of_its_decision() -> None:
    refused = refusal(OPEN, transfer(101))
    assert refused == Refused(
        Refusal.INSUFFICIENT_FUNDS,
        {"account": ALICE, "available": 100, "floor": 0, "amount": 101},
    )
    assert "has 100 available and a floor of 0; 101 is too much" in as_error(refused).message


@pytest.mark.parametrize(("amount", "passes"), [(100, True), (101, False)])
def test_the_last_unit_can_be_spent_and_no_more(amount: int, passes: bool) -> None:  # noqa: FBT001
    assert isinstance(outcome(OPEN, transfer(amount)), Posted) is passes


def test_a_replay_within_the_batch_gets_the_first_answer() -> None:
    decision = decide(OPEN, [(transfer(60),), (transfer(60),)], NOW)
    (first,), (again,) = decision.outcomes
    assert isinstance(first, Posted)
    assert again == first._replace(replayed=True)
    assert decision.changes.balances[ALICE].posted == 40


def test_a_balance_has_a_limit() -> None:
    book = book_of(
        balance(ALICE, "EUR", posted=-1, floor=None), balance(BOB, "EUR", posted=MAX_AMOUNT)
    )
    assert refusal(book, transfer(1)).refusal is Refusal.BALANCE_TOO_LARGE


def test_an_amount_in_another_currency_is_refused() -> None:
    refused = refusal(OPEN, transfer(1, currency="USD"))
    assert refused.refusal is Refusal.CURRENCY_MISMATCH
    assert "is in EUR; it takes no amount in USD" in as_error(refused).message


def held(amount: int, seconds: int | None = None) -> tuple[Book, Command]:
    expires_at = None if seconds is None else NOW + timedelta(seconds=seconds)
    order = HoldOrder("h", ALICE, Money(amount, "EUR"), expires_at)
    command = hold(MERCHANT, order, NOW)
    return applied(OPEN, decide(OPEN, [(command,)], NOW)), command


def test_an_expired_hold_cannot_be_captured() -> None:
    book, command = held(60, seconds=5)
    [standing] = book.holds.values()
    take = capture(MERCHANT, HoldCapture("c", standing.id, BOB))
    late = NOW + timedelta(seconds=5)
    [[refused]] = decide(book, [(take,)], late).outcomes
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.HOLD_EXPIRED
    early = decide(book, [(EndHold(standing.id, expire=True),)], NOW)
    assert early.changes == Book({})
    ended = decide(book, [(EndHold(standing.id, expire=True),)], late)
    assert ended.changes.holds[standing.id] == replace(standing, remaining=0, state="expired")
    assert ended.changes.balances[ALICE].held == 0
    [[again]] = decide(book, [(command,)], late).outcomes
    assert again == HoldStands(standing, replayed=True)


def test_a_capture_can_take_a_hold_of_the_whole_balance() -> None:
    book, _ = held(100)
    [standing] = book.holds.values()
    assert refusal(book, transfer(1)).refusal is Refusal.INSUFFICIENT_FUNDS
    take = capture(MERCHANT, HoldCapture("c", standing.id, BOB))
    taken = decide(book, [(take,)], NOW)
    assert taken.changes.holds[standing.id].state == "captured"
    assert taken.changes.balances[ALICE][4:6] == (0, 0)


FACT = Transaction.of(
    MERCHANT,
    TransactionKind(16, "payment.captured"),
    "f",
    (Entry(ALICE, -500, "EUR"), Entry(BOB, 500, "EUR")),
)


def test_a_fact_is_recorded_in_every_situation() -> None:
    frozen = {
        account: one._replace(status="frozen", floor=0) for account, one in OPEN.balances.items()
    }
    posted, after = record(Book(frozen), FactPostings([FACT]), NOW)
    assert after.balances[ALICE].posted == -400
    assert [entry.amount for entry in posted[0].entries] == [-500, 500]


def test_a_fact_in_the_wrong_currency_raises() -> None:
    dollars = {**OPEN.balances, BOB: OPEN.balances[BOB]._replace(currency="USD")}
    with pytest.raises(WrongCurrency, match="captured f"):
        record(Book(dollars), FactPostings([FACT]), NOW)


def test_a_missing_amount_is_owed() -> None:
    owed = AccountId(UUID(int=77))
    wallets = {key: one._replace(floor=0) for key, one in OPEN.balances.items()}
    theirs = wallets[ALICE]._replace(account_id=owed, number=77, posted=0, floor=None)
    book = Book({**wallets, owed: theirs})
    (posted,), after = record(book, FactPostings([FACT], owed={FACT.id: owed}), NOW)
    had = wallets[ALICE].available
    assert 0 < had < 500
    assert (after.balances[ALICE].posted, after.balances[owed].posted) == (0, had - 500)
    assert sorted(entry.amount for entry in posted.entries) == sorted([-had, had - 500, 500])


def _reserved(number: int, amount: int) -> Hold:
    return Hold(
        HoldId(UUID(int=number)),
        ALICE,
        "EUR",
        0,
        f"groat:refund:{number}",
        amount,
        remaining=amount,
        captured=0,
        state="open",
        expires_at=None,
        created_at=NOW,
    )


def test_a_fact_captures_and_releases_its_hold() -> None:
    floored = {key: one._replace(floor=0) for key, one in OPEN.balances.items()}
    rich = floored[ALICE]._replace(posted=1_000, held=700)
    taken, released = _reserved(1, 500), _reserved(2, 200)
    book = Book({**floored, ALICE: rich}, {taken.id: taken, released.id: released})
    _, after = record(book, FactPostings([FACT], {FACT.id: taken.id}, [released.id]), NOW)
    assert (after.balances[ALICE].posted, after.balances[ALICE].held) == (500, 0)
    assert (after.holds[taken.id].state, after.holds[taken.id].captured) == ("captured", 500)
    assert (after.holds[released.id].state, after.holds[released.id].captured) == ("released", 0)
