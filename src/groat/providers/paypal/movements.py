"""Translate PayPal's transaction rows to movements. Pure.

Sources: developer.paypal.com, Transaction Search v1, and the list of transaction event codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from groat.providers.amounts import from_major
from groat.providers.domain.movements import (
    AMOUNTS,
    Movement,
    MovementCategory,
    signed_category,
)
from groat.providers.paypal.payloads import TransactionInfo

_BOOKED = frozenset({"S", "V"})
"""Statuses of rows that changed the balance. ``V`` is reversed later, by a row of its own."""

_GROUPS = {
    "T00": MovementCategory.CHARGE,
    "T01": MovementCategory.FEE,
    "T02": MovementCategory.CONVERSION,
    "T03": MovementCategory.TOP_UP,
    "T04": MovementCategory.PAYOUT,
    "T07": MovementCategory.TOP_UP,
    "T15": MovementCategory.RESERVE,
    "T21": MovementCategory.RESERVE,
    "T23": MovementCategory.TAX,
}
"""Our category of each group of event codes. The group is the first three characters."""

_CODES = {
    "T1101": MovementCategory.PAYOUT_REVERSAL,
    "T1105": MovementCategory.RESERVE,
    "T1106": MovementCategory.DISPUTE,
    "T1107": MovementCategory.REFUND,
    "T1108": MovementCategory.FEE,
    "T1109": MovementCategory.FEE,
    "T1110": MovementCategory.RESERVE,
    "T1111": MovementCategory.RESERVE,
    "T1201": MovementCategory.DISPUTE,
    "T1202": MovementCategory.DISPUTE_REVERSAL,
    "T1205": MovementCategory.DISPUTE_REVERSAL,
    "T1207": MovementCategory.DISPUTE,
}
"""Our category of single event codes, whose groups hold several categories."""

_NO_BALANCE = frozenset({"T13", "T97", "T98"})
"""Groups whose rows change no balance: authorizations, and notes."""

_OWN_ID = frozenset({MovementCategory.CHARGE, MovementCategory.REFUND})
"""Categories whose row has the id of the capture or the refund that it books."""


class BookedRow(NamedTuple):
    """A row that changed the balance, as the search and the settlement report both tell it.

    ``gross`` and ``fee`` are signed: an amount that PayPal took is negative. ``capture`` is the id
    of the transaction that the row refers to.
    """

    transaction_id: str
    code: str
    occurred_at: datetime
    currency: str
    gross: int
    fee: int
    capture: str | None


class EqualRows:
    """Numbers rows that are equal in every column, in one report that is complete.

    PayPal books equal rows: three holds of one amount in one second are three movements. Only their
    number tells them apart, so the same report must contain all of them.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._repeated: dict[str, int] = {}

    def number(self, key: str) -> int:
        """Return 1 for the first row with this key, 2 for the second, and so on."""
        if key not in self._seen:
            self._seen.add(key)
            return 1
        self._repeated[key] = number = self._repeated.get(key, 1) + 1
        return number


def category_of(code: str, gross: int) -> MovementCategory:
    """Return our category of a row. An unknown code becomes ``OTHER`` and keeps its name.

    Money that is sent with a payment code is no charge: T0001 is a mass payment to others.
    """
    category = _CODES.get(code) or _GROUPS.get(code[:3], MovementCategory.OTHER)
    if category is MovementCategory.CHARGE:
        return category if gross > 0 else MovementCategory.OTHER
    return signed_category(category, gross)


def movements(rows: Iterable[TransactionInfo]) -> Iterator[Movement]:
    """Yield the movements of a window of the transaction search that was read completely.

    Raises:
        InvalidRequest: an amount is no amount of its currency.
    """
    equal = EqualRows()
    for info in rows:
        row = _booked_row(info)
        if row is not None:
            yield movement(row, equal)


def movement(row: BookedRow, equal: EqualRows) -> Movement:
    """Return the movement of a row. Its key holds every column that never changes later."""
    transaction_id, code, occurred_at, currency, gross, fee, capture = row
    category = category_of(code, gross)
    content = (
        f"{transaction_id}/{code}/{int(occurred_at.timestamp())}{AMOUNTS}{currency}/{gross}/{fee}"
    )
    key = f"{content}/{equal.number(content)}"
    source = transaction_id if category in _OWN_ID else capture or transaction_id
    if category is MovementCategory.FEE:
        gross, fee, tax = 0, -gross, -fee
    elif category is MovementCategory.TAX:
        gross, fee, tax = 0, -fee, -gross
    else:
        fee, tax = -fee, 0
    return Movement(
        key, category, code, occurred_at, currency, gross, fee, tax, source=source, parent=capture
    )


def is_booked(code: str, status: str) -> bool:
    """Tell whether a row with this event code and status changed the balance."""
    return status in _BOOKED and code[:3] not in _NO_BALANCE


def _booked_row(info: TransactionInfo) -> BookedRow | None:
    """Return the booked row of an answer of the search, None if it changed no balance."""
    if not is_booked(info.transaction_event_code, info.transaction_status):
        return None
    amount, fee = info.transaction_amount, info.fee_amount
    currency = amount.currency_code
    is_of_capture = info.paypal_reference_id_type == "TXN"
    return BookedRow(
        info.transaction_id,
        info.transaction_event_code,
        info.transaction_initiation_date.astimezone(UTC),
        currency,
        from_major(amount.value, currency),
        0 if fee is None else from_major(fee.value, currency),
        info.paypal_reference_id if is_of_capture else None,
    )
