"""The balance of a Stripe account: every change of it is a balance transaction.

Source: Stripe, "Balance transaction types" and "Reporting categories".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from groat.kernel.clock import Clock
from groat.simulator.back_office import ChosenSettings
from groat.simulator.books import Books, MovementEntry
from groat.simulator.references import stripe_id
from groat.simulator.stripe.balance_model import BalanceType, FeePart, StripeBalanceTransaction
from groat.simulator.stripe.balance_objects import RESERVE_HOLD
from groat.simulator.stripe.settings import SettlementRate, StripeSettings
from groat.simulator.stripe.units import as_money, converted, smallest_step

SETTLING_DAYS = 2
"""Days until the money of a charge is available."""

_DAY_SECONDS = 24 * 3600
_FEE = "Stripe processing fees"


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A change of the balance to book. ``kind`` is Stripe's type of the balance transaction."""

    kind: str
    category: str
    amount: int
    currency: str
    source: str | None
    fees: tuple[FeePart, ...] = ()
    pending_days: int = 0
    balance_type: BalanceType = "payments"


class StripeBalance:
    """Books changes, and tells the amounts that are available and pending."""

    def __init__(self, clock: Clock, books: Books) -> None:
        self.settings = ChosenSettings(StripeSettings())
        self.transactions: dict[str, StripeBalanceTransaction] = {}
        self.payouts_of: dict[str, str] = {}
        """The automatic payout of each transaction that one has paid out."""
        self._books = books
        self._clock = clock

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return int(self._clock.now().timestamp())

    def book(self, change: BalanceChange, rate: Decimal | None = None) -> StripeBalanceTransaction:
        """Book a change in its own currency. ``rate`` is only shown: the amount is converted."""
        now = self.now()
        transaction = StripeBalanceTransaction(
            id=stripe_id("txn"),
            kind=change.kind,
            reporting_category=change.category,
            created=now,
            available_on=now + change.pending_days * _DAY_SECONDS,
            amount=change.amount,
            fees=change.fees,
            currency=change.currency,
            source=change.source,
            exchange_rate=None if rate is None else float(rate),
            balance_type=change.balance_type,
        )
        self.transactions[transaction.id] = transaction
        self._books.movements.append(_movement(transaction))
        return transaction

    def settle(self, change: BalanceChange) -> StripeBalanceTransaction:
        """Book a change of an object in the currency in which the account settles it."""
        target = self.settlement(change.currency)
        if target is None:
            return self.book(change)
        amount = converted(change.amount, target.rate, target.currency)
        settled = BalanceChange(
            change.kind,
            change.category,
            amount,
            target.currency,
            change.source,
            change.fees,
            change.pending_days,
        )
        return self.book(settled, target.rate)

    def reserve(self, amount: int, currency: str, pending_days: int = 0) -> None:
        """Move ``amount`` from the payments balance to the reserve, or back if it is negative."""
        kind = "reserve_hold" if amount > 0 else "reserve_release"
        hold = stripe_id(RESERVE_HOLD)
        changes: tuple[tuple[int, BalanceType], ...] = (
            (-amount, "payments"),
            (amount, "risk_reserved"),
        )
        for part, purse in changes:
            category = "risk_reserved_funds"
            self.book(BalanceChange(kind, category, part, currency, hold, (), pending_days, purse))

    def settlement(self, currency: str) -> SettlementRate | None:
        """Return the settlement of charges in ``currency``, or None if they are not converted."""
        return self.settings.chosen.settlements.get(currency)

    def settled_amount(self, amount: int, currency: str) -> int:
        """Return ``amount`` in the currency in which the account settles ``currency``."""
        target = self.settlement(currency)
        return amount if target is None else converted(amount, target.rate, target.currency)

    def fees_on(self, amount: int, currency: str) -> tuple[FeePart, ...]:
        """Return the fee on a charge of ``amount``, and its tax, in the settlement currency."""
        target = self.settlement(currency)
        step = smallest_step((target.currency if target else currency).upper())
        fee = fee_on(self.settled_amount(amount, currency))
        fee -= fee % step
        tax = fee * self.settings.chosen.fee_tax_percent // 100
        tax -= tax % step
        extra = self.settings.chosen.extra_fees.items()
        parts = (
            FeePart("stripe_fee", fee, _FEE),
            FeePart("tax", tax, "VAT"),
            *(FeePart(kind, part, kind) for kind, part in extra),
        )
        return tuple(part for part in parts if part.amount)

    def available(self) -> dict[str, int]:
        """Return the available amount of each currency."""
        now = self.now()
        return self._sums(one for one in self._payments() if one.available_on <= now)

    def pending(self) -> dict[str, int]:
        """Return the amount of each currency that is not available yet."""
        now = self.now()
        return self._sums(one for one in self._payments() if one.available_on > now)

    def unpaid(self, currency: str) -> list[StripeBalanceTransaction]:
        """Return the available transactions that belong to no automatic payout yet."""
        now = self.now()
        return [
            one
            for one in self._payments()
            if one.currency == currency
            and one.available_on <= now
            and one.id not in self.payouts_of
        ]

    def _payments(self) -> Iterator[StripeBalanceTransaction]:
        return (one for one in self.transactions.values() if one.balance_type == "payments")

    def _sums(self, transactions: Iterator[StripeBalanceTransaction]) -> dict[str, int]:
        sums = {one.currency: 0 for one in self.transactions.values()}
        for one in transactions:
            sums[one.currency] += one.net
        return sums


def fee_on(amount: int) -> int:
    """Return the fee on ``amount``: 1.4 %, rounded down, plus 25 units, and at most ``amount``."""
    return min(amount, amount * 14 // 1000 + 25)


def returned(fees: tuple[FeePart, ...], kept: tuple[FeePart, ...] = ()) -> tuple[FeePart, ...]:
    """Return the negative fee that gives back all of ``fees`` but the parts in ``kept``."""
    left = {part.kind: part.amount for part in kept}
    parts = (FeePart(one.kind, left.get(one.kind, 0) - one.amount, one.description) for one in fees)
    return tuple(part for part in parts if part.amount)


def _movement(transaction: StripeBalanceTransaction) -> MovementEntry:
    currency = transaction.currency
    return MovementEntry(
        transaction.id,
        transaction.reporting_category,
        as_money(transaction.amount, currency),
        as_money(transaction.fee, currency),
        transaction.source,
        "payments" if transaction.balance_type == "payments" else "reserve",
    )
