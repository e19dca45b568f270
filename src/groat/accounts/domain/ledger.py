"""Double entry: what a ledger transaction is, and what posting it does to balances.

In entries credits are positive and debits negative, and the entries of a transaction sum to zero in
each currency. A balance is the cached sum of its account's entries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from groat.kernel.ids import AccountId, TransactionId

NormalSide: TypeAlias = Literal["credit", "debit"]


@dataclass(frozen=True, slots=True)
class Entry:
    """``amount`` minor units on one account: a credit if positive, a debit if negative."""

    account_id: AccountId
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A ledger transaction to be posted. ``reference`` is unique for the merchant."""

    transaction_id: TransactionId
    kind: str
    reference: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's cached balance after ``version`` entries."""

    account_id: AccountId
    currency: str
    posted: int
    version: int


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """An entry in its place: the ``version``-th of its account, with the balance it left."""

    account_id: AccountId
    version: int
    transaction_id: TransactionId
    amount: int
    balance_after: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry of an account's statement. Amounts are the ledger's: credits are positive."""

    version: int
    transaction_id: TransactionId
    amount: int
    balance_after: int
    kind: str
    reference: str
    recorded_at: datetime


class UnbalancedTransaction(ValueError):
    """A posting's entries do not sum to zero. It is a fault of the recipe, never of a caller."""


def post(
    balances: Mapping[AccountId, Balance], postings: Iterable[Posting]
) -> tuple[dict[AccountId, Balance], list[PostedEntry]]:
    """Return the balances after ``postings``, in their order, and the entries in their places.

    Raises:
        UnbalancedTransaction: the entries of a posting do not sum to zero in each currency.
    """
    after, posted = dict(balances), []
    for posting in postings:
        _require_balanced(posting, after)
        for entry in posting.entries:
            balance = _add(after[entry.account_id], entry.amount)
            after[entry.account_id] = balance
            posted.append(_place(entry, balance, posting.transaction_id))
    return after, posted


def _add(balance: Balance, amount: int) -> Balance:
    return replace(balance, posted=balance.posted + amount, version=balance.version + 1)


def _place(entry: Entry, balance: Balance, transaction_id: TransactionId) -> PostedEntry:
    return PostedEntry(
        entry.account_id, balance.version, transaction_id, entry.amount, balance.posted
    )


def _require_balanced(posting: Posting, balances: Mapping[AccountId, Balance]) -> None:
    sums: dict[str, int] = defaultdict(int)
    for entry in posting.entries:
        sums[balances[entry.account_id].currency] += entry.amount
    if not posting.entries or any(sums.values()) or any(e.amount == 0 for e in posting.entries):
        raise UnbalancedTransaction(f"{posting.kind} {posting.reference}: {dict(sums)}")
