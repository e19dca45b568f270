"""Double entry: ledger transactions, their entries, the resulting balances, and holds.

In entries, credits are positive and debits are negative. The entries of a transaction sum to zero
in each currency. ``posted`` is the sum of an account's entries, ``held`` is the sum of its open
holds, and ``available`` is ``posted`` less ``held``.

A batch creates some of these types by the thousand. They are named tuples, because creating one is
three times as fast as creating a dataclass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Self, TypeAlias
from uuid import UUID

from groat.accounts.domain.kinds import TransactionKind
from groat.kernel import ids
from groat.kernel.ids import AccountId, HoldId, LedgerBatchId, MerchantId, TransactionId
from groat.kernel.value import Value, replace

NormalSide: TypeAlias = Literal["credit", "debit"]
AccountStatus: TypeAlias = Literal["open", "frozen", "closed"]
HoldState: TypeAlias = Literal["open", "captured", "released", "expired"]

ENGINE_NAMESPACE = "groat:"
"""Prefix of the references of the engine's transactions and holds. Callers cannot use it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Entry(NamedTuple):
    """``amount`` minor units of ``currency`` on one account; credits are positive."""

    account_id: AccountId
    amount: int
    currency: str


class Transaction(NamedTuple):
    """A ledger transaction to be posted.

    ``id`` is the hash of ``reference``, which is unique for the merchant, so one reference posts
    once. ``request_hash`` distinguishes a repeated request from one that reuses the reference with
    other content. ``effective_at`` is the time from which the transaction counts in effective-dated
    balances; None means the time at which it is recorded. ``subject`` is the id of the payment,
    refund or dispute that caused the transaction, in the API's format.
    """

    id: TransactionId
    request_hash: int
    kind: TransactionKind
    reference: str
    entries: tuple[Entry, ...]
    effective_at: datetime | None = None
    subject: str | None = None

    @classmethod
    def of(
        cls,
        merchant_id: MerchantId,
        kind: TransactionKind,
        reference: str,
        entries: tuple[Entry, ...],
        effective_at: datetime | None = None,
        subject: str | None = None,
    ) -> Self:
        """Return the transaction with this content.

        Raises:
            UnbalancedTransaction: there are fewer than two entries, two of them are on one account,
                one has the amount 0, or those of a currency do not sum to zero.
        """
        if not _is_double_entry(entries):
            raise UnbalancedTransaction(f"{kind.name} {reference}: {entries}")
        moves = [f"{account.int:x} {amount} {currency}" for account, amount, currency in entries]
        return cls(
            transaction_id(merchant_id, reference),
            request_hash(kind.name, effective_at, *moves),
            kind,
            reference,
            entries,
            effective_at,
            subject,
        )


class UnbalancedTransaction(ValueError):
    """A transaction that is not double entry: a bug of the engine, never a caller's mistake."""


class Balance(NamedTuple):
    """The locked balance row of an account, after ``version`` entries.

    ``recorded_at`` is the time of the last entry. ``number`` identifies the account in its entries.
    If ``is_engine``, callers can neither post to the account nor place a hold on it.
    """

    account_id: AccountId
    number: int
    currency: str
    status: AccountStatus
    posted: int
    held: int
    floor: int | None
    version: int
    recorded_at: datetime
    is_engine: bool = False

    @property
    def available(self) -> int:
        """The posted amount less the amount held; a command may use it down to the floor."""
        return self.posted - self.held

    def after_entry(self, amount: int, recorded_at: datetime) -> Balance:
        """Return the balance after an entry of ``amount``."""
        account_id, number, currency, status, posted, held, floor, version, _, is_engine = self
        return Balance(
            account_id,
            number,
            currency,
            status,
            posted + amount,
            held,
            floor,
            version + 1,
            recorded_at,
            is_engine,
        )

    def after_hold(self, amount: int) -> Balance:
        """Return the balance with ``amount`` more held; a negative ``amount`` holds less."""
        return self._replace(held=self.held + amount)


class Hold(Value):
    """A part of an account's balance that is reserved until captured, released or expired.

    Of ``amount``, ``remaining`` is still reserved and ``captured`` was moved to other accounts.
    """

    id: HoldId
    account_id: AccountId
    currency: str
    request_hash: int
    reference: str
    amount: int
    remaining: int
    captured: int
    state: HoldState
    expires_at: datetime | None
    created_at: datetime

    def after_capture(self, amount: int) -> Hold:
        """Return the hold after a capture of ``amount`` from its remainder."""
        remaining = self.remaining - amount
        state: HoldState = "open" if remaining else "captured"
        return replace(self, remaining=remaining, captured=self.captured + amount, state=state)

    def ended(self, state: HoldState) -> Hold:
        """Return the hold in its final ``state``, with nothing reserved."""
        return replace(self, remaining=0, state=state)


class PostedEntry(NamedTuple):
    """An entry as it was recorded, with the account's balance after it."""

    account_number: int
    recorded_at: datetime
    transaction_id: TransactionId
    amount: int
    balance_after: int


class PostedTransaction(NamedTuple):
    """A transaction as it was recorded, with its recorded entries."""

    transaction: Transaction
    recorded_at: datetime
    entries: tuple[PostedEntry, ...]


class RecordedTransaction(NamedTuple):
    """A transaction read back from the ledger."""

    id: TransactionId
    kind: TransactionKind
    reference: str
    recorded_at: datetime
    effective_at: datetime | None
    entries: tuple[Entry, ...]


class TransactionLine(NamedTuple):
    """One entry of a transaction, on the account with the code ``code``; credits are positive."""

    transaction_id: TransactionId
    kind: TransactionKind
    recorded_at: datetime
    code: str
    amount: int
    currency: str


class JournalLine(Value):
    """One entry of the journal, with the ledger's sign: credits are positive."""

    recorded_at: datetime
    transaction_id: TransactionId
    account_number: int
    effective_at: datetime | None
    kind: TransactionKind
    reference: str
    subject: str | None
    code: str
    currency: str
    amount: int


class StatementLine(Value):
    """One entry of an account's statement, with the ledger's sign: credits are positive."""

    recorded_at: datetime
    transaction_id: TransactionId
    amount: int
    balance_after: int
    kind: TransactionKind
    reference: str
    effective_at: datetime | None
    subject: str | None


class StatementFilter(Value):
    """Selects lines of a statement: recorded from ``since`` on, before ``until``, of ``kind``."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    oldest_first: bool = False

    def following(self, shown: datetime) -> StatementFilter:
        """Return the filter for the lines that follow the line recorded at ``shown``."""
        if self.oldest_first:
            after = shown + timedelta(microseconds=1)
            return replace(self, since=max(self.since or after, after))
        return replace(self, until=min(self.until or shown, shown))


class TrialBalance(Value):
    """Sums over all accounts in one currency: debit balances equal credit balances."""

    currency: str
    accounts: int
    debits: int
    credits: int


class LedgerBatch(Value):
    """The transactions of one actor in one commit; one audit record covers all of them."""

    id: LedgerBatchId
    actor: str
    cause: str
    transactions: tuple[PostedTransaction, ...]


def transaction_id(merchant_id: MerchantId, reference: str) -> TransactionId:
    """Return the id of the merchant's transaction with ``reference``."""
    return TransactionId(ids.name_based(b"groat txn", f"{merchant_id} {reference}"))


def hold_id(merchant_id: MerchantId, reference: str) -> HoldId:
    """Return the id of the merchant's hold with ``reference``."""
    return HoldId(ids.name_based(b"groat hold", f"{merchant_id} {reference}"))


def request_hash(*content: UUID | datetime | str | int | None) -> int:
    """Return a 64-bit hash of a request's content, by which its repetition is recognized."""
    text = " ".join([str(part) for part in content])
    digest = hashlib.blake2b(text.encode(), digest_size=8, person=b"groat request").digest()
    return int.from_bytes(digest, "big", signed=True)


def batch_digest(posted: Sequence[PostedTransaction]) -> str:
    """Return the digest of a batch for its audit record, in hexadecimal; the order does not matter.

    It is the SHA-256 of the content's digest and the time of the first transaction. ``groat
    verify`` has PostgreSQL compute the same from the rows.
    """
    first_at = min(one.recorded_at for one in posted)
    content = content_digest(
        [(one.transaction, _micros(one.recorded_at) - _micros(first_at)) for one in posted]
    )
    return hashlib.sha256(f"{content} {_micros(first_at)}".encode()).hexdigest()


def content_digest(timed: Iterable[tuple[Transaction, int]]) -> str:
    """Return the SHA-256 of the content of a batch, in hexadecimal: known before its time is.

    Each transaction comes with its microseconds after the first, and is one line: id,
    microseconds, effective time, accounts with amounts, kind, reference and subject.
    """
    lines = [_digest_line(transaction, micros) for transaction, micros in timed]
    lines.sort()
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest_line(transaction: Transaction, micros: int) -> str:
    effective = "" if transaction.effective_at is None else _micros(transaction.effective_at)
    moves = sorted([(entry.account_id.int, entry.amount) for entry in transaction.entries])
    amounts = " ".join([f"{account:032x}={amount}" for account, amount in moves])
    return (
        f"{transaction.id.int:032x} {micros} {effective} {amounts} "
        f"{transaction.kind.number} {transaction.reference} {transaction.subject or ''}"
    )


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _is_double_entry(entries: Sequence[Entry]) -> bool:
    if len(entries) == 2:  # noqa: PLR2004 - nearly all, and decided in a third of the time
        (one, amount, currency), (other, opposite, other_currency) = entries
        return bool(amount) and amount == -opposite and currency == other_currency and one != other
    sums: dict[str, int] = {}
    accounts = set()
    for account_id, amount, currency in entries:
        if not amount or account_id in accounts:
            return False
        accounts.add(account_id)
        sums[currency] = sums.get(currency, 0) + amount
    return len(accounts) > 1 and not any(sums.values())
