"""The ledger's rules: how a batch of commands or facts changes the locked balances and holds.

A command may be refused. A fact may not: it reports an event that has already happened at a
provider. Items are decided in order over running balances, so a batch has the same result as its
items one by one.
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
    """The input of a decision: locked balances, holds, and transactions posted before."""

    balances: Mapping[AccountId, Balance]
    holds: Mapping[HoldId, Hold] = field(default_factory=dict)
    known: Mapping[TransactionId, Known] = field(default_factory=dict)


class BatchDecision(Value):
    """The decision on a batch: outcomes and posted transactions by unit, in order, and changes.

    ``changes`` holds the balances and holds that differ from the book before the batch.
    """

    outcomes: list[tuple[CommandOutcome, ...]]
    posted: list[list[PostedTransaction]]
    changes: Book


class FactPostings(Value):
    """Facts to post. The ledger cannot refuse them.

    ``taken`` maps a transaction to the hold that it captures and ends. ``released`` are holds to
    release. ``owed`` maps a transaction to the account that bears a shortfall: the part of a debit
    that would take the debited account below its floor. Example: a dispute takes 1050 from a wallet
    with 300 available and a floor of 0. The wallet is debited 300, the account in ``owed`` 750.
    """

    transactions: Sequence[Transaction]
    taken: Mapping[TransactionId, HoldId] = field(default_factory=dict)
    released: Sequence[HoldId] = ()
    owed: Mapping[TransactionId, AccountId] = field(default_factory=dict)

    @property
    def depend_on_the_book(self) -> bool:
        """Whether entries or holds depend on the balances and holds at the time of posting."""
        return bool(self.taken or self.released or self.owed)


class WrongCurrency(ValueError):
    """A fact has an entry in another currency than its account: a bug in the posting recipe."""


def decide(book: Book, units: Sequence[Unit], now: datetime) -> BatchDecision:
    """Decide units in order. A refused unit changes nothing; the next may still pass."""
    running = _RunningBook.copy_of(book)
    outcomes, posted = [], []
    for unit in units:
        results, running = _decide_unit(running, unit, now)
        outcomes.append(results)
        posted.append(running.take_posted())
    return BatchDecision(outcomes, posted, running.changes_since(book))


def record(book: Book, facts: FactPostings, now: datetime) -> tuple[list[PostedTransaction], Book]:
    """Post facts in order; return the posted transactions, and the changed balances and holds.

    Raises:
        WrongCurrency: a fact has an entry in another currency than its account: a bug, since
            nothing refuses a fact.
    """
    running = _RunningBook.copy_of(book)
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
    """Post one fact. If ``owed_id`` is given, that account bears the shortfall."""
    if owed_id is not None:
        fact = fact._replace(entries=tuple(_with_shortfall(running, fact.entries, owed_id)))
    before = [running.balances[entry.account_id] for entry in fact.entries]
    pairs = zip(before, fact.entries, strict=True)
    if any(balance.currency != entry.currency for balance, entry in pairs):
        raise WrongCurrency(f"{fact.kind.name} {fact.reference}: {fact.entries}")
    _append_transaction(running, fact, before, now)


def _with_shortfall(
    running: _RunningBook, entries: Sequence[Entry], owed_id: AccountId
) -> Iterator[Entry]:
    """Yield the entries, each debit capped at its account's funds and the rest on ``owed_id``."""
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
    """End an open hold: ``captured`` of it is moved, and the rest is no longer reserved."""
    hold = running.holds[hold_id]
    if hold.state == "open":
        _release_reserved(running, hold, hold.remaining)
        ended = hold.after_capture(captured) if captured else hold
        running.holds[hold_id] = ended.ended("captured" if captured else "released")


@dataclass(slots=True)
class _RunningBook:
    """A mutable copy of a book, on which commands are decided in order."""

    balances: dict[AccountId, Balance]
    holds: dict[HoldId, Hold]
    known: dict[TransactionId, Known]
    posted: list[PostedTransaction]

    @classmethod
    def copy_of(cls, book: Book | _RunningBook) -> _RunningBook:
        return cls(dict(book.balances), dict(book.holds), dict(book.known), [])

    def take_posted(self) -> list[PostedTransaction]:
        taken, self.posted = self.posted, []
        return taken

    def changes_since(self, book: Book) -> Book:
        return Book(
            {key: new for key, new in self.balances.items() if new is not book.balances[key]},
            {key: new for key, new in self.holds.items() if new is not book.holds.get(key)},
        )


class _CommandRefused(Exception):
    """Carries the refusal of a command from the rule that refuses it to the unit's outcome."""

    def __init__(self, refusal: Refusal, **figures: Figure) -> None:
        super().__init__(refusal)
        self.refused = Refused(refusal, figures)


def _decide_unit(
    running: _RunningBook, unit: Unit, now: datetime
) -> tuple[tuple[CommandOutcome, ...], _RunningBook]:
    """Return the outcomes of a unit, and the book after it: unchanged if a command was refused.

    Every rule refuses before it changes the book, so a unit of one command needs no copy of it.
    """
    trial = running if len(unit) == 1 else _RunningBook.copy_of(running)
    outcomes: list[CommandOutcome] = []
    try:
        for command in unit:
            outcomes.append(_decide_one(trial, command, now))  # noqa: PERF401 - see the except
    except _CommandRefused as error:
        linked = Refused(Refusal.LINKED_REFUSED, {"refused": len(outcomes)})
        others = len(unit) - len(outcomes) - 1
        return (*[linked] * len(outcomes), error.refused, *[linked] * others), running
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
            return _end_hold(running, hold_id, now, expire=expire)
        case _:
            assert_never(command)


def _post(running: _RunningBook, transaction: Transaction, now: datetime) -> Posted:
    known = running.known.get(transaction.id)
    if known is not None:
        _require_same_request(known.request_hash, transaction.request_hash, transaction.reference)
        return Posted(transaction.id, known.recorded_at, replayed=True)
    before = _require_allowed(running, transaction.entries)
    return Posted(transaction.id, _append_transaction(running, transaction, before, now))


def _place_hold(running: _RunningBook, hold: Hold, now: datetime) -> HoldStands:
    standing = running.holds.get(hold.id)
    if standing is not None:
        _require_same_request(standing.request_hash, hold.request_hash, hold.reference)
        return HoldStands(standing, replayed=True)
    if _has_expired(hold, now):
        raise _CommandRefused(Refusal.EXPIRES_IN_PAST, expires_at=hold.expires_at)
    balance = _require_open_account(running, hold.account_id, hold.currency)
    _require_available(balance, hold.amount)
    running.balances[hold.account_id] = balance.after_hold(hold.amount)
    running.holds[hold.id] = hold
    return HoldStands(hold)


def _capture(running: _RunningBook, command: CaptureHold, now: datetime) -> HoldStands:
    hold = _require_hold(running, command.hold_id)
    known = running.known.get(command.transaction_id)
    if known is not None:
        _require_same_request(known.request_hash, command.request_hash, command.reference)
        return HoldStands(hold, command.transaction_id, replayed=True)
    if command.credit_account_id == hold.account_id:
        raise _CommandRefused(Refusal.SAME_ACCOUNT, hold=hold.id, account=hold.account_id)
    _require_callers_hold(hold)
    _require_open_hold(hold, now)
    amount = hold.remaining if command.amount is None else command.amount
    if amount > hold.remaining:
        raise _CommandRefused(
            Refusal.HOLD_EXCEEDED, hold=hold.id, amount=amount, remaining=hold.remaining
        )
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
    _append_transaction(running, transaction, [debited.after_hold(-amount), credited], now)
    running.holds[hold.id] = hold.after_capture(amount)
    return HoldStands(running.holds[hold.id], transaction.id)


def _end_hold(running: _RunningBook, hold_id: HoldId, now: datetime, *, expire: bool) -> HoldStands:
    hold = _require_hold(running, hold_id)
    if hold.state in {"released", "expired"} or (expire and hold.state != "open"):
        return HoldStands(hold, replayed=True)
    _require_callers_hold(hold)
    if hold.state != "open":
        raise _CommandRefused(Refusal.HOLD_NOT_OPEN, hold=hold.id, state=hold.state)
    if expire and not _has_expired(hold, now):
        return HoldStands(hold, replayed=True)
    _release_reserved(running, hold, hold.remaining)
    running.holds[hold.id] = hold.ended("expired" if expire else "released")
    return HoldStands(running.holds[hold.id])


def _append_transaction(
    running: _RunningBook, transaction: Transaction, before: Sequence[Balance], now: datetime
) -> datetime:
    """Append a transaction to the book, and return the time at which it is recorded.

    That time is now. If an account already has an entry at or after now, it is one microsecond
    later than that entry, so the times of an account's entries always increase.
    """
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


def _release_reserved(running: _RunningBook, hold: Hold, amount: int) -> None:
    balance = running.balances[hold.account_id]
    running.balances[hold.account_id] = balance.after_hold(-amount)


def _require_allowed(
    running: _RunningBook, entries: Sequence[Entry], reserved: int = 0
) -> list[Balance]:
    """Return the balances before the entries; ``reserved`` of the debit is covered by a hold."""
    balances = []
    for account_id, amount, currency in entries:
        balance = _require_open_account(running, account_id, currency)
        if amount < 0:
            _require_available(balance, -amount - reserved)
        if abs(balance.posted + amount) > MAX_AMOUNT:
            raise _CommandRefused(
                Refusal.BALANCE_TOO_LARGE,
                account=account_id,
                balance=balance.posted,
                amount=amount,
            )
        balances.append(balance)
    return balances


def _require_available(balance: Balance, amount: int) -> None:
    if balance.floor is not None and balance.available - amount < balance.floor:
        raise _CommandRefused(
            Refusal.INSUFFICIENT_FUNDS,
            account=balance.account_id,
            available=balance.available,
            floor=balance.floor,
            amount=amount,
        )


def _require_open_account(running: _RunningBook, account_id: AccountId, currency: str) -> Balance:
    balance = running.balances.get(account_id)
    if balance is None:
        raise _CommandRefused(Refusal.ACCOUNT_NOT_FOUND, account=account_id)
    if balance.is_engine:
        raise _CommandRefused(Refusal.ENGINE_ACCOUNT, account=account_id)
    if balance.status != "open":
        frozen = balance.status == "frozen"
        raise _CommandRefused(
            Refusal.ACCOUNT_FROZEN if frozen else Refusal.ACCOUNT_CLOSED, account=account_id
        )
    if balance.currency != currency:
        raise _CommandRefused(
            Refusal.CURRENCY_MISMATCH,
            account=account_id,
            account_currency=balance.currency,
            currency=currency,
        )
    return balance


def _require_hold(running: _RunningBook, hold_id: HoldId) -> Hold:
    hold = running.holds.get(hold_id)
    if hold is None:
        raise _CommandRefused(Refusal.HOLD_NOT_FOUND, hold=hold_id)
    return hold


def _require_callers_hold(hold: Hold) -> None:
    if hold.reference.startswith(ENGINE_NAMESPACE):
        raise _CommandRefused(Refusal.ENGINE_HOLD, hold=hold.id)


def _require_open_hold(hold: Hold, now: datetime) -> None:
    if hold.state != "open":
        raise _CommandRefused(Refusal.HOLD_NOT_OPEN, hold=hold.id, state=hold.state)
    if _has_expired(hold, now):
        raise _CommandRefused(Refusal.HOLD_EXPIRED, hold=hold.id, expires_at=hold.expires_at)


def _has_expired(hold: Hold, now: datetime) -> bool:
    return hold.expires_at is not None and hold.expires_at <= now


def _require_same_request(standing: int, asked: int, reference: str) -> None:
    if standing != asked:
        raise _CommandRefused(Refusal.REFERENCE_REUSED, reference=reference)
