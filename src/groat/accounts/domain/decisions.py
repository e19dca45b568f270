"""The ledger's rules: what a batch of commands does to the balances and holds that are locked.

Commands may be refused, facts may not. Both are decided in their order over running balances, so
that a batch does what its items would do one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from groat.accounts.domain.commands import (
    CaptureHold,
    Command,
    CommandOutcome,
    EndHold,
    Figure,
    HoldStands,
    Known,
    PlaceHold,
    Posted,
    PostTransaction,
    Refusal,
    Refused,
    Unit,
)
from groat.accounts.domain.kinds import HOLD_CAPTURED
from groat.accounts.domain.ledger import (
    ENGINE_NAMESPACE,
    Balance,
    Entry,
    Hold,
    PostedEntry,
    PostedTransaction,
    Transaction,
)
from groat.kernel.ids import AccountId, HoldId, TransactionId
from groat.kernel.money import MAX_AMOUNT
from groat.kernel.value import Value, field

_TICK = timedelta(microseconds=1)


class Book(Value):
    """What a decision stands on: locked balances, holds, and transactions that stand already."""

    balances: Mapping[AccountId, Balance]
    holds: Mapping[HoldId, Hold] = field(default_factory=dict)
    known: Mapping[TransactionId, Known] = field(default_factory=dict)


class BatchDecision(Value):
    """The outcomes of each unit, in order; what each posts; and what changes in the book."""

    outcomes: list[tuple[CommandOutcome, ...]]
    posted: list[list[PostedTransaction]]
    changes: Book


class FactPostings(Value):
    """What has happened, to be posted: it is not refused.

    ``taken`` are the holds that transactions take, by their ids; ``released`` are given back. What
    a debited account does not have down to its floor, the account in ``owed`` is debited instead.
    """

    transactions: Sequence[Transaction]
    taken: Mapping[TransactionId, HoldId] = field(default_factory=dict)
    released: Sequence[HoldId] = ()
    owed: Mapping[TransactionId, AccountId] = field(default_factory=dict)


class WrongCurrency(ValueError):
    """A fact's entry is not in its account's currency. It is a fault of the recipe."""


def decide(book: Book, units: Sequence[Unit], now: datetime) -> BatchDecision:
    """Return what each unit comes to. A refused unit changes nothing; the next may still pass."""
    running = _RunningBook.over(book)
    outcomes, posted = [], []
    for unit in units:
        results, running = _decide_unit(running, unit, now)
        outcomes.append(results)
        posted.append(running.take_posted())
    return BatchDecision(outcomes, posted, running.changes_since(book))


def record(book: Book, facts: FactPostings, now: datetime) -> tuple[list[PostedTransaction], Book]:
    """Return facts in their places, and what they change. Nothing refuses a fact.

    Raises:
        WrongCurrency: a fact's entry is not in its account's currency: a fault of ours.
    """
    running = _RunningBook.over(book)
    for hold_id in facts.released:
        _settle_hold(running, hold_id, captured=0)
    for fact in facts.transactions:
        if fact.id in facts.taken:
            debit = min(entry.amount for entry in fact.entries)
            _settle_hold(running, facts.taken[fact.id], captured=-debit)
        _record_one(running, fact, facts.owed.get(fact.id), now)
    return running.posted, running.changes_since(book)


def _record_one(
    running: _RunningBook, fact: Transaction, owed_id: AccountId | None, now: datetime
) -> None:
    if owed_id is not None:
        fact = fact._replace(entries=tuple(_with_shortfall(running, fact.entries, owed_id)))
    before = [running.balances[entry.account_id] for entry in fact.entries]
    if any(one.currency != entry.currency for one, entry in zip(before, fact.entries, strict=True)):
        raise WrongCurrency(f"{fact.kind.name} {fact.reference}: {fact.entries}")
    _place(running, fact, before, now)


def _with_shortfall(
    running: _RunningBook, entries: Sequence[Entry], owed_id: AccountId
) -> Iterator[Entry]:
    """Yield the entries, each debit of no more than its account has, and the rest as owed."""
    for account_id, amount, currency in entries:
        balance = running.balances[account_id]
        missing = 0
        if amount < 0 and balance.floor is not None:
            missing = max(0, -amount - max(0, balance.available - balance.floor))
        if amount + missing:
            yield Entry(account_id, amount + missing, currency)
        if missing:
            yield Entry(owed_id, -missing, currency)


def _settle_hold(running: _RunningBook, hold_id: HoldId, *, captured: int) -> None:
    """End an open hold of which ``captured`` is taken; nothing of it stays reserved."""
    hold = running.holds[hold_id]
    if hold.state == "open":
        _give_back(running, hold, hold.remaining)
        ended = hold.after_capture(captured) if captured else hold
        running.holds[hold_id] = ended.ended("captured" if captured else "released")


@dataclass(slots=True)
class _RunningBook:
    """A book while commands are decided on it."""

    balances: dict[AccountId, Balance]
    holds: dict[HoldId, Hold]
    known: dict[TransactionId, Known]
    posted: list[PostedTransaction]

    @classmethod
    def over(cls, book: Book | _RunningBook) -> _RunningBook:
        return cls(dict(book.balances), dict(book.holds), dict(book.known), [])

    def take_posted(self) -> list[PostedTransaction]:
        taken, self.posted = self.posted, []
        return taken

    def changes_since(self, book: Book) -> Book:
        return Book(
            {key: one for key, one in self.balances.items() if one is not book.balances[key]},
            {key: one for key, one in self.holds.items() if one is not book.holds.get(key)},
        )


class _No(Exception):
    def __init__(self, refusal: Refusal, **figures: Figure) -> None:
        super().__init__(refusal)
        self.refused = Refused(refusal, figures)


def _decide_unit(
    running: _RunningBook, unit: Unit, now: datetime
) -> tuple[tuple[CommandOutcome, ...], _RunningBook]:
    """Return the outcomes, and the book after them: where one is refused, as it was before.

    A rule that refuses has changed nothing, so that a command by itself needs no copy of the book.
    """
    trial = running if len(unit) == 1 else _RunningBook.over(running)
    outcomes: list[CommandOutcome] = []
    try:
        for command in unit:
            outcomes.append(_decide_one(trial, command, now))  # noqa: PERF401 - see the except
    except _No as no:
        linked = Refused(Refusal.LINKED_REFUSED, {"refused": len(outcomes)})
        others = len(unit) - len(outcomes) - 1
        return (*[linked] * len(outcomes), no.refused, *[linked] * others), running
    return tuple(outcomes), trial


def _decide_one(running: _RunningBook, command: Command, now: datetime) -> CommandOutcome:
    match command:
        case PostTransaction(transaction):
            return _post(running, transaction, now)
        case PlaceHold(hold):
            return _place_hold(running, hold, now)
        case CaptureHold():
            return _capture(running, command, now)
        case EndHold(hold_id, expire):
            return _end(running, hold_id, now, expire=expire)
        case _:
            assert_never(command)


def _post(running: _RunningBook, transaction: Transaction, now: datetime) -> Posted:
    known = running.known.get(transaction.id)
    if known is not None:
        _require_same(known.request_hash, transaction.request_hash, transaction.reference)
        return Posted(transaction.id, known.recorded_at, replayed=True)
    before = _require_allowed(running, transaction.entries)
    return Posted(transaction.id, _place(running, transaction, before, now))


def _place_hold(running: _RunningBook, hold: Hold, now: datetime) -> HoldStands:
    standing = running.holds.get(hold.id)
    if standing is not None:
        _require_same(standing.request_hash, hold.request_hash, hold.reference)
        return HoldStands(standing, replayed=True)
    if _is_due(hold, now):
        raise _No(Refusal.EXPIRES_IN_PAST, expires_at=hold.expires_at)
    balance = _require_open(running, hold.account_id, hold.currency)
    _require_available(balance, hold.amount)
    running.balances[hold.account_id] = balance.after_hold(hold.amount)
    running.holds[hold.id] = hold
    return HoldStands(hold)


def _capture(running: _RunningBook, command: CaptureHold, now: datetime) -> HoldStands:
    hold = _require_hold(running, command.hold_id)
    known = running.known.get(command.transaction_id)
    if known is not None:
        _require_same(known.request_hash, command.request_hash, command.reference)
        return HoldStands(hold, command.transaction_id, replayed=True)
    if command.credit_account_id == hold.account_id:
        raise _No(Refusal.SAME_ACCOUNT, hold=hold.id, account=hold.account_id)
    _require_callers(hold)
    _require_reserving(hold, now)
    amount = hold.remaining if command.amount is None else command.amount
    if amount > hold.remaining:
        raise _No(Refusal.HOLD_EXCEEDED, hold=hold.id, amount=amount, remaining=hold.remaining)
    transaction = Transaction(
        command.transaction_id,
        command.request_hash,
        HOLD_CAPTURED,
        command.reference,
        (
            Entry(hold.account_id, -amount, hold.currency),
            Entry(command.credit_account_id, amount, hold.currency),
        ),
    )
    debited, credited = _require_allowed(running, transaction.entries, reserved=amount)
    _place(running, transaction, [debited.after_hold(-amount), credited], now)
    running.holds[hold.id] = hold.after_capture(amount)
    return HoldStands(running.holds[hold.id], transaction.id)


def _end(running: _RunningBook, hold_id: HoldId, now: datetime, *, expire: bool) -> HoldStands:
    hold = _require_hold(running, hold_id)
    if hold.state in {"released", "expired"} or (expire and hold.state != "open"):
        return HoldStands(hold, replayed=True)
    _require_callers(hold)
    if hold.state != "open":
        raise _No(Refusal.HOLD_NOT_OPEN, hold=hold.id, state=hold.state)
    if expire and not _is_due(hold, now):
        return HoldStands(hold, replayed=True)
    _give_back(running, hold, hold.remaining)
    running.holds[hold.id] = hold.ended("expired" if expire else "released")
    return HoldStands(running.holds[hold.id])


def _place(
    running: _RunningBook, transaction: Transaction, before: Sequence[Balance], now: datetime
) -> datetime:
    """Put a transaction in its place: after every entry that its accounts have already."""
    recorded_at = now
    for balance in before:
        if balance.recorded_at >= recorded_at:
            recorded_at = balance.recorded_at + _TICK
    entries = []
    for (account_id, amount, _), balance in zip(transaction.entries, before, strict=True):
        after = balance.after_entry(amount, recorded_at)
        running.balances[account_id] = after
        entries.append(PostedEntry(after.number, recorded_at, transaction.id, amount, after.posted))
    running.known[transaction.id] = Known(transaction.request_hash, recorded_at)
    running.posted.append(PostedTransaction(transaction, recorded_at, tuple(entries)))
    return recorded_at


def _give_back(running: _RunningBook, hold: Hold, amount: int) -> None:
    balance = running.balances[hold.account_id]
    running.balances[hold.account_id] = balance.after_hold(-amount)


def _require_allowed(
    running: _RunningBook, entries: Sequence[Entry], reserved: int = 0
) -> list[Balance]:
    """Return the balances before the entries; ``reserved`` is held for what they debit."""
    balances = []
    for account_id, amount, currency in entries:
        balance = _require_open(running, account_id, currency)
        if amount < 0:
            _require_available(balance, -amount - reserved)
        if abs(balance.posted + amount) > MAX_AMOUNT:
            raise _No(
                Refusal.BALANCE_TOO_LARGE,
                account=account_id,
                balance=balance.posted,
                amount=amount,
            )
        balances.append(balance)
    return balances


def _require_available(balance: Balance, amount: int) -> None:
    if balance.floor is not None and balance.available - amount < balance.floor:
        raise _No(
            Refusal.INSUFFICIENT_FUNDS,
            account=balance.account_id,
            available=balance.available,
            floor=balance.floor,
            amount=amount,
        )


def _require_open(running: _RunningBook, account_id: AccountId, currency: str) -> Balance:
    balance = running.balances.get(account_id)
    if balance is None:
        raise _No(Refusal.ACCOUNT_NOT_FOUND, account=account_id)
    if balance.is_engine:
        raise _No(Refusal.ENGINE_ACCOUNT, account=account_id)
    if balance.status != "open":
        frozen = balance.status == "frozen"
        raise _No(Refusal.ACCOUNT_FROZEN if frozen else Refusal.ACCOUNT_CLOSED, account=account_id)
    if balance.currency != currency:
        raise _No(
            Refusal.CURRENCY_MISMATCH,
            account=account_id,
            account_currency=balance.currency,
            currency=currency,
        )
    return balance


def _require_hold(running: _RunningBook, hold_id: HoldId) -> Hold:
    hold = running.holds.get(hold_id)
    if hold is None:
        raise _No(Refusal.HOLD_NOT_FOUND, hold=hold_id)
    return hold


def _require_callers(hold: Hold) -> None:
    if hold.reference.startswith(ENGINE_NAMESPACE):
        raise _No(Refusal.ENGINE_HOLD, hold=hold.id)


def _require_reserving(hold: Hold, now: datetime) -> None:
    if hold.state != "open":
        raise _No(Refusal.HOLD_NOT_OPEN, hold=hold.id, state=hold.state)
    if _is_due(hold, now):
        raise _No(Refusal.HOLD_EXPIRED, hold=hold.id, expires_at=hold.expires_at)


def _is_due(hold: Hold, now: datetime) -> bool:
    return hold.expires_at is not None and hold.expires_at <= now


def _require_same(standing: int, asked: int, reference: str) -> None:
    if standing != asked:
        raise _No(Refusal.REFERENCE_REUSED, reference=reference)
