"""Claims: the demands of a batch on each account's balance, known without reading a balance.

A batch in which nothing is refused needs no decision between its entries. The balance after an
entry is the balance before the batch plus a sum that the batch alone gives. So one statement can
lock the balances, judge the claims, and write the batch if every claim holds. A claim holds if and
only if ``decisions.decide`` would refuse none of the account's entries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from groat.accounts.domain.commands import (
    Known,
    Posted,
    PostTransaction,
    Refused,
    Submission,
    Unit,
    UnitOutcomes,
)
from groat.accounts.domain.ledger import Transaction, content_digest
from groat.kernel.ids import AccountId, TransactionId

_TICK = timedelta(microseconds=1)
_UNLIMITED = 2**62
"""Lowest point of an account that is never debited: higher than any floor."""


@dataclass(slots=True)
class Claim:
    """The demand of a batch on one account. Heights are relative to the balance before the batch.

    ``total`` is the sum of the account's entries. ``lowest`` is the lowest height after a debit:
    the available balance there must not be below the floor. ``bottom`` and ``top`` are the extreme
    heights after any entry: neither may exceed the largest amount. ``last`` is the number of the
    last transaction. ``currency`` is None if two entries disagree, and then nothing satisfies it.
    """

    account_id: AccountId
    currency: str | None
    total: int = 0
    lowest: int = _UNLIMITED
    bottom: int = _UNLIMITED
    top: int = -_UNLIMITED
    entries: int = 0
    last: int = 0

    def take(self, amount: int, currency: str, number: int) -> int:
        """Include an entry of transaction ``number``, and return the height after it."""
        height = self.total = self.total + amount
        if amount < 0 and height < self.lowest:
            self.lowest = height
        self.bottom = min(self.bottom, height)
        self.top = max(self.top, height)
        if currency != self.currency:
            self.currency = None
        self.entries += 1
        self.last = number
        return height


class ClaimedEntry(NamedTuple):
    """An entry of transaction ``number``, on the account of claim ``place``.

    Numbers and places count from 1. ``height`` is the account's ``total`` after the entry.
    """

    place: int
    number: int
    transaction_id: TransactionId
    amount: int
    height: int


class ClaimedBatch(NamedTuple):
    """Transactions in the order of posting, with their entries and the claims of their accounts."""

    transactions: Sequence[Transaction]
    claims: Sequence[Claim]
    entries: Sequence[ClaimedEntry]

    def digest(self) -> str:
        """Return the digest of the content, from which PostgreSQL computes the batch's digest."""
        return content_digest((one, number) for number, one in enumerate(self.transactions))

    def outcomes(self, units: Iterable[Unit], first_at: datetime) -> list[UnitOutcomes]:
        """Return the outcomes of the units that the transactions are from.

        The first transaction is recorded at ``first_at``, and each further one a microsecond later.
        """
        posted = iter(
            [
                Posted(one.id, first_at + number * _TICK)
                for number, one in enumerate(self.transactions)
            ]
        )
        return [tuple([next(posted) for _ in unit]) for unit in units]


class Judgement(NamedTuple):
    """The result of the statement that posts a batch by claims.

    ``first_at`` is the time of the first transaction, or None if a claim failed and nothing was
    written. ``failed`` are the accounts of the failed claims.
    """

    first_at: datetime | None
    failed: AbstractSet[AccountId] = frozenset()


def claimed(transactions: Sequence[Transaction]) -> ClaimedBatch:
    """Return a batch with its claims."""
    claims: list[Claim] = []
    entries: list[ClaimedEntry] = []
    places: dict[AccountId, int] = {}
    for number, transaction in enumerate(transactions, 1):
        for account_id, amount, currency in transaction.entries:
            place = places.get(account_id)
            if place is None:
                claims.append(Claim(account_id, currency))
                place = places[account_id] = len(claims)
            height = claims[place - 1].take(amount, currency, number)
            entries.append(ClaimedEntry(place, number, transaction.id, amount, height))
    return ClaimedBatch(transactions, claims, entries)


def claimable(
    submissions: Iterable[Submission],
    failed: AbstractSet[AccountId],
    known: AbstractSet[TransactionId],
) -> list[int]:
    """Return the places of the units that can be posted by claims; the others wait.

    A unit waits

    - if one of its commands is not a plain posting, or two of them have one reference;
    - if it touches one of the accounts in ``failed``, or has a reference in ``known``;
    - if an earlier unit of the batch has one of its references;
    - if an earlier unit of the same request waits and both touch an account. Example: the first
      unit fills a wallet and waits, so the second unit, which empties the wallet, must wait too.
    """
    chosen: list[int] = []
    used = set(known)
    blocked: defaultdict[str, set[AccountId]] = defaultdict(set)
    stopped: set[str] = set()
    for place, (request_id, unit) in enumerate(submissions):
        posts = transactions_of(unit)
        if len(posts) < len(unit):  # the accounts of a hold are unknown
            stopped.add(request_id)
            continue
        keys = {one.id for one in posts}
        accounts = {entry.account_id for one in posts for entry in one.entries}
        may_go = (
            request_id not in stopped
            and len(keys) == len(posts)
            and used.isdisjoint(keys)
            and failed.isdisjoint(accounts)
            and (request_id not in blocked or blocked[request_id].isdisjoint(accounts))
        )
        if may_go:
            chosen.append(place)
        else:
            blocked[request_id] |= accounts
        used |= keys
    return chosen


def replayed(unit: Unit, known: Mapping[TransactionId, Known]) -> UnitOutcomes | None:
    """Return the outcomes of a unit that was posted before, or None if it needs a decision."""
    outcomes = []
    for command in unit:
        if not isinstance(command, PostTransaction):
            return None
        earlier = known.get(command.transaction.id)
        if earlier is None or earlier.request_hash != command.transaction.request_hash:
            return None
        outcomes.append(Posted(command.transaction.id, earlier.recorded_at, replayed=True))
    return tuple(outcomes)


def cleared(
    submissions: Iterable[Submission], decided: Iterable[UnitOutcomes | Exception]
) -> set[AccountId]:
    """Return the accounts whose units were all executed, so that their next claims may hold."""
    executed: set[AccountId] = set()
    refused: set[AccountId] = set()
    for (_, unit), outcomes in zip(submissions, decided, strict=True):
        fails = isinstance(outcomes, Exception) or any(isinstance(one, Refused) for one in outcomes)
        touched = refused if fails else executed
        touched.update(entry.account_id for one in transactions_of(unit) for entry in one.entries)
    return executed - refused


def transactions_of(unit: Unit) -> list[Transaction]:
    """Return the transactions that the unit posts, without those of captured holds."""
    return [command.transaction for command in unit if isinstance(command, PostTransaction)]
