"""The rows of a PayPal account: every change of its balance is a row.

Source: PayPal, "Transaction event codes" and "Transaction Search".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from groat.kernel.clock import Clock
from groat.kernel.money import Money
from groat.simulator.back_office import ChosenSettings
from groat.simulator.books import Books, MovementEntry
from groat.simulator.deliveries import Courier
from groat.simulator.paypal.settings import PayPalSettings

RowStatus: TypeAlias = Literal["D", "P", "S", "V"]
ReferenceType: TypeAlias = Literal["ODR", "TXN", "SUB", "PAP"]

_HOLDS = frozenset({"T1105", "T1110", "T1111"})
_HOLD_GROUPS = ("T15", "T21")
_WITHOUT_BALANCE = ("T13", "T97", "T98")


@dataclass(frozen=True, slots=True)
class PayPalRow:
    """One row of the account. Amounts that leave the balance are negative, also ``fee``.

    ``transaction_id`` is not unique: rows may even be equal in every column. The account's balance
    changes at ``booked``. The search shows the row from ``visible`` on; None stands for never.
    """

    transaction_id: str
    event_code: str
    gross: Money
    initiated: datetime
    updated: datetime
    booked: datetime
    visible: datetime | None
    fee: Money | None = None
    status: RowStatus = "S"
    reference_id: str | None = None
    reference_type: ReferenceType | None = None
    invoice_id: str | None = None
    custom_field: str | None = None

    @property
    def affects_balance(self) -> bool:
        """Whether the row changes the balance."""
        return self.status in {"S", "V"} and not self.event_code.startswith(_WITHOUT_BALANCE)

    @property
    def holds(self) -> bool:
        """Whether the row moves money between the available and the withheld balance."""
        return self.event_code in _HOLDS or self.event_code.startswith(_HOLD_GROUPS)

    @property
    def net(self) -> int:
        """The change of the available balance, in minor units."""
        return self.gross.amount + (self.fee.amount if self.fee else 0)


@dataclass(frozen=True, slots=True)
class PayPalBalance:
    """The balance of one currency, in minor units."""

    available: int
    withheld: int

    @property
    def total(self) -> int:
        """The whole balance."""
        return self.available + self.withheld


class Statement:
    """Books rows in the order in which they change the balance."""

    def __init__(self, clock: Clock, books: Books, courier: Courier) -> None:
        self.settings = ChosenSettings(PayPalSettings())
        self.rows: list[PayPalRow] = []
        self._first: dict[tuple[str, str], PayPalRow] = {}
        """The first row by transaction id and event code."""
        self._clock = clock
        self._books = books
        self._courier = courier

    def book(
        self,
        transaction_id: str,
        event_code: str,
        gross: Money,
        fee: Money | None = None,
        *,
        status: RowStatus = "S",
        reference: tuple[str, ReferenceType] | None = None,
        invoice_id: str | None = None,
        custom_field: str | None = None,
        initiated: datetime | None = None,
    ) -> PayPalRow:
        """Book a row. The fault plan may have the search show it late, or never."""
        now = self._now()
        row = PayPalRow(
            transaction_id,
            event_code,
            gross,
            (initiated or now).replace(microsecond=0),
            now,
            now,
            self._visible(now),
            fee=fee,
            status=status,
            reference_id=reference[0] if reference else None,
            reference_type=reference[1] if reference else None,
            invoice_id=invoice_id,
            custom_field=custom_field,
        )
        self.rows.append(row)
        self._first.setdefault((transaction_id, event_code), row)
        self._enter(row)
        return row

    def change(self, row: PayPalRow, status: RowStatus) -> PayPalRow:
        """Give a row another status. A pending row that succeeds changes the balance now."""
        now = self._now()
        changed = replace(row, status=status, updated=now)
        if row.affects_balance:
            self._replace(row, changed)
            return changed
        changed = replace(changed, booked=now)
        self._replace(row, changed)
        self.rows.remove(changed)
        self.rows.append(changed)
        self._enter(changed)
        return changed

    def correct(self, row: PayPalRow, gross: Money, fee: Money | None) -> PayPalRow:
        """Replace the amounts of a row, as PayPal does when it generates its data anew."""
        corrected = replace(row, gross=gross, fee=fee, updated=self._now())
        self._replace(row, corrected)
        difference = Money(gross.amount - row.gross.amount, gross.currency)
        fees = (corrected.fee.amount if corrected.fee else 0) - (row.fee.amount if row.fee else 0)
        self._enter(replace(corrected, gross=difference, fee=Money(fees, gross.currency)))
        return corrected

    def find(self, transaction_id: str, event_code: str) -> PayPalRow | None:
        """Return the first row with an id and a code, or None."""
        return self._first.get((transaction_id, event_code))

    def balances(self, moment: datetime) -> dict[str, PayPalBalance]:
        """Return the balance of each currency at a moment."""
        available: defaultdict[str, int] = defaultdict(int)
        withheld: defaultdict[str, int] = defaultdict(int)
        for row in self.rows:
            if row.affects_balance and row.booked <= moment:
                available[row.gross.currency] += row.net
                withheld[row.gross.currency] -= row.gross.amount if row.holds else 0
        return {one: PayPalBalance(available[one], withheld[one]) for one in sorted(available)}

    def with_ending_balances(self) -> Iterator[tuple[PayPalRow, int]]:
        """Yield each row with the available balance after it, oldest change first."""
        available: defaultdict[str, int] = defaultdict(int)
        for row in self.rows:
            available[row.gross.currency] += row.net if row.affects_balance else 0
            yield row, available[row.gross.currency]

    def refreshed(self) -> datetime:
        """Return the time up to which searches know the account."""
        age = timedelta(seconds=self.settings.chosen.refresh_seconds)
        return self._now() - age

    def _now(self) -> datetime:
        """Return the time in whole seconds, as all times of rows are."""
        return self._clock.now().replace(microsecond=0)

    def _replace(self, row: PayPalRow, by: PayPalRow) -> None:
        self.rows[self.rows.index(row)] = by
        key = row.transaction_id, row.event_code
        if self._first[key] == row:
            self._first[key] = by

    def _visible(self, now: datetime) -> datetime | None:
        faults = self._courier.faults
        if faults.is_missing():
            return None
        late = self.settings.chosen.late_seconds if faults.is_late() else 0
        return now + timedelta(seconds=late)

    def _enter(self, row: PayPalRow) -> None:
        """Enter a row in the books: a hold moves the money between two purses."""
        if not row.affects_balance:
            return
        currency, movements = row.gross.currency, self._books.movements
        cost = Money(-row.fee.amount if row.fee else 0, currency)
        movement = MovementEntry(
            row.transaction_id, row.event_code, row.gross, cost, row.reference_id
        )
        movements.append(movement)
        if row.holds:
            held = Money(-row.gross.amount, currency)
            movements.append(replace(movement, gross=held, fee=Money(0, currency), purse="reserve"))
