"""Random books and commands for them: few accounts and few references, so that things collide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from groat.accounts.domain import orders
from groat.accounts.domain.commands import (
    Command,
    EndHold,
    Known,
    PostTransaction,
    Unit,
)
from groat.accounts.domain.decisions import (
    BatchDecision,
    Book,
)
from groat.accounts.domain.kinds import TRANSFER
from groat.accounts.domain.ledger import (
    AccountStatus,
    Balance,
    Entry,
    PostedTransaction,
    Transaction,
    hold_id,
)
from groat.accounts.domain.orders import HoldCapture, HoldOrder
from groat.kernel.ids import AccountId, MerchantId
from groat.kernel.money import MAX_AMOUNT, Money

MERCHANT = MerchantId(7)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

EUROS = [AccountId(UUID(int=number)) for number in range(1, 6)]
DOLLARS = [AccountId(UUID(int=number)) for number in range(11, 14)]
MISSING = AccountId(UUID(int=99))

AMOUNTS = st.integers(1, 60)
REFERENCES = st.sampled_from([f"ref-{number}" for number in range(12)])
HOLDS = st.sampled_from([f"hold-{number}" for number in range(5)])


def balance(
    account_id: AccountId,
    currency: str,
    *,
    posted: int = 0,
    floor: int | None = 0,
    status: AccountStatus = "open",
) -> Balance:
    return Balance(
        account_id, account_id.int, currency, status, posted, 0, floor, 0, NOW - timedelta(days=1)
    )


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Wallets with something in them, and one account in each currency that has paid for it."""
    balances: dict[AccountId, Balance] = {}
    for accounts, currency in ((EUROS, "EUR"), (DOLLARS, "USD")):
        payer, *wallets = accounts
        for wallet in wallets:
            balances[wallet] = balance(
                wallet,
                currency,
                posted=draw(st.integers(0, 100)),
                floor=draw(st.sampled_from([0, 0, -20])),
                status=draw(st.sampled_from(["open", "open", "open", "open", "frozen", "closed"])),
            )
        owed = sum(balances[wallet].posted for wallet in wallets)
        balances[payer] = balance(payer, currency, posted=-owed, floor=None)
    return Book(balances)


def _transfers(accounts: list[AccountId], currency: str) -> st.SearchStrategy[tuple[Entry, ...]]:
    pairs = st.lists(st.sampled_from(accounts), min_size=2, max_size=2, unique=True)
    return st.builds(
        lambda pair, amount: (
            Entry(pair[0], -amount, currency),
            Entry(pair[1], amount, currency),
        ),
        pairs,
        AMOUNTS,
    )


EURO_TRANSFERS, DOLLAR_TRANSFERS = _transfers(EUROS, "EUR"), _transfers(DOLLARS, "USD")
POSTS = st.builds(
    lambda reference, entries: PostTransaction(
        Transaction.of(MERCHANT, TRANSFER, reference, entries)
    ),
    REFERENCES,
    st.one_of(
        EURO_TRANSFERS,
        EURO_TRANSFERS,
        DOLLAR_TRANSFERS,
        st.builds(lambda one, other: one + other, EURO_TRANSFERS, DOLLAR_TRANSFERS),
        _transfers([*EUROS, MISSING], "EUR"),
        _transfers([EUROS[1], DOLLARS[1]], "EUR"),
    ),
)
PLACES = st.builds(
    lambda reference, account, amount, seconds: orders.hold(
        MERCHANT,
        HoldOrder(
            reference,
            account,
            Money(amount, "EUR"),
            None if seconds is None else NOW + timedelta(seconds=seconds),
        ),
        NOW,
    ),
    HOLDS,
    st.sampled_from([*EUROS, DOLLARS[1]]),
    AMOUNTS,
    st.sampled_from([None, None, -5, 5]),
)
CAPTURES = st.builds(
    lambda reference, hold, account, amount: orders.capture(
        MERCHANT, HoldCapture(reference, hold_id(MERCHANT, hold), account, amount)
    ),
    REFERENCES,
    HOLDS,
    st.sampled_from(EUROS),
    st.none() | AMOUNTS,
)
ENDS = st.builds(EndHold, HOLDS.map(lambda hold: hold_id(MERCHANT, hold)), st.booleans())

COMMANDS: st.SearchStrategy[Command] = st.one_of(POSTS, POSTS, PLACES, CAPTURES, ENDS)
UNITS: st.SearchStrategy[list[Unit]] = st.lists(
    st.lists(COMMANDS, min_size=1, max_size=3).map(tuple), max_size=12
)


@st.composite
def demanding_books(draw: st.DrawFn) -> Book:
    """Books in which some accounts have holds, belong to the engine, or are almost too large."""
    book = draw(books())
    balances = dict(book.balances)
    for account_id, one in balances.items():
        extreme = draw(st.sampled_from([0, 0, 0, 0, 0, MAX_AMOUNT - 80, -MAX_AMOUNT + 80]))
        posted = one.posted + (extreme if one.floor is None or extreme > 0 else 0)
        room = max(0, posted - (one.floor or 0))
        balances[account_id] = one._replace(
            posted=posted,
            held=min(room, draw(st.sampled_from([0, 0, 10, 30]))),
            is_engine=draw(st.integers(0, 15)) == 0,
        )
    return Book(balances)


def batches_of_posts() -> st.SearchStrategy[list[PostTransaction]]:
    """Return batches of postings in which each reference occurs once."""
    return st.lists(POSTS, max_size=8, unique_by=lambda post: post.transaction.id)


def sums(balances: Mapping[AccountId, Balance]) -> dict[str, int]:
    """Return what each currency sums to."""
    found: dict[str, int] = {}
    for one in balances.values():
        found[one.currency] = found.get(one.currency, 0) + one.posted
    return found


def applied(book: Book, decision: BatchDecision) -> Book:
    """Return the book with what a decision changes in it."""
    changes = decision.changes
    known = dict(book.known)
    for posted in decision.posted:
        for one in posted:
            known[one.transaction.id] = _as_known(one)
    return Book({**book.balances, **changes.balances}, {**book.holds, **changes.holds}, known)


def _as_known(posted: PostedTransaction) -> Known:
    return Known(posted.transaction.request_hash, posted.recorded_at)
