"""Recipes: the lines of a movement's ledger transaction. Credits are positive. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from groat.accounts.domain import chart
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.kinds import TransactionKind
from groat.accounts.domain.ledger import ENGINE_NAMESPACE, Entry, Transaction
from groat.kernel import ids
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId
from groat.movements.domain.attribution import Place
from groat.movements.domain.open_items import Shelf
from groat.providers.domain.movements import Movement, Pool

MOVEMENT_POSTED = TransactionKind(32, "movement.posted")
MOVEMENT_MOVED = TransactionKind(33, "movement.moved")
KINDS = (MOVEMENT_POSTED, MOVEMENT_MOVED)
"""The kinds of ledger transactions of movements: 32 and 33, repeated in ``checks.sql``."""

Side: TypeAlias = AccountSpec | AccountId
"""One of the engine's accounts by its definition, or a wallet by its id."""


class Line(NamedTuple):
    """An amount on one account, before the account's id is known."""

    side: Side
    amount: int
    currency: str


def own_lines(account_id: ProviderAccountId, movement: Movement) -> list[Line]:
    """Return the lines that every movement has: the provider's balance, the fee and the tax."""
    currency = movement.currency
    mirror = "provider" if movement.pool is Pool.AVAILABLE else "reserve"
    return [
        Line(chart.at_provider(mirror, account_id, currency), -movement.net, currency),
        Line(chart.fees(account_id, currency), -movement.fee, currency),
        Line(chart.at_provider("tax", account_id, currency), -movement.tax, currency),
    ]


def counter_line(account_id: ProviderAccountId, movement: Movement, place: Place) -> Line:
    """Return the line of the gross amount at a place that belongs to no payment."""
    currency = movement.currency
    spec = (
        chart.conversion(currency)
        if place is Place.CONVERSION
        else chart.at_provider(place.value, account_id, currency)
    )
    return Line(spec, movement.gross, currency)


def item_lines(account_id: ProviderAccountId, changes: Mapping[Shelf, int]) -> list[Line]:
    """Return the lines that change open items by ``changes``."""
    return [
        Line(_shelf_account(account_id, shelf), amount, shelf.currency)
        for shelf, amount in changes.items()
    ]


def repayment_lines(beneficiary_id: AccountId, repaid: int, currency: str) -> list[Line]:
    """Return the lines by which a return pays ``repaid`` of the debt of its beneficiary."""
    return [
        Line(chart.receivable(currency), repaid, currency),
        Line(beneficiary_id, -repaid, currency),
    ]


def own_accounts(lines: Iterable[Line]) -> list[AccountSpec]:
    """Return the engine's accounts among the lines that move an amount."""
    return [line.side for line in lines if line.amount and isinstance(line.side, AccountSpec)]


def transaction(
    merchant_id: MerchantId,
    account_id: ProviderAccountId,
    movement: Movement,
    lines: Iterable[Line],
    account_ids: Mapping[str, AccountId],
    subject: str | None = None,
) -> Transaction:
    """Return the ledger transaction of a movement; ``account_ids`` has ``own_accounts`` by code.

    It is effective when the provider booked the movement, also if it is recorded days later.
    """
    return Transaction.of(
        merchant_id,
        kind=MOVEMENT_POSTED,
        reference=ledger_reference(account_id, movement.key),
        entries=entries_of(lines, account_ids),
        effective_at=movement.occurred_at,
        subject=subject,
    )


def moved_transaction(
    merchant_id: MerchantId,
    account_id: ProviderAccountId,
    key: str,
    number: int,
    lines: Iterable[Line],
    account_ids: Mapping[str, AccountId],
) -> Transaction:
    """Return the ledger transaction that moves a movement to its place ``number``."""
    return Transaction.of(
        merchant_id,
        kind=MOVEMENT_MOVED,
        reference=f"{ledger_reference(account_id, key)}#{number}",
        entries=entries_of(lines, account_ids),
    )


def summed(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Add lines up by account, and leave out accounts whose lines cancel out.

    The lines of a fact and those of its movement become one transaction this way, which clearing
    is not part of.
    """
    found: dict[tuple[str | AccountId, str], Line] = {}
    for side, amount, currency in lines:
        key = side.code if isinstance(side, AccountSpec) else side, currency
        known = found.get(key)
        total = amount if known is None else known.amount + amount
        found[key] = Line(side, total, currency)
    return tuple(line for line in found.values() if line.amount)


def entries_of(lines: Iterable[Line], account_ids: Mapping[str, AccountId]) -> tuple[Entry, ...]:
    """Return the entries of lines, one for each account; ``account_ids`` are by code."""
    return tuple(
        Entry(account_ids[side.code] if isinstance(side, AccountSpec) else side, amount, currency)
        for side, amount, currency in summed(lines)
    )


def ledger_reference(account_id: ProviderAccountId, key: str) -> str:
    """Return the reference of a movement's posting. The longest key keeps it within its limit."""
    return f"{ENGINE_NAMESPACE}movement:{ids.render('provider_account', account_id)}:{key}"


def _shelf_account(account_id: ProviderAccountId, shelf: Shelf) -> AccountSpec:
    match shelf.account:
        case "conversion":
            return chart.conversion(shelf.currency)
        case "fx_gain_loss":
            return chart.fx_gain_loss(shelf.currency)
        case _:
            return chart.clearing(account_id, shelf.currency)
