"""Open items: the money that stands in clearing, by the object that it belongs to. Pure.

A fact tells an amount, a movement books one. Both are kept as sums, so that their order does not
matter: what clearing holds is a function of the sums. A posting is the difference between what the
sums said before and after.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from groat.kernel.money import Money
from groat.kernel.value import Value, replace


class OpenItem(Value):
    """The sums of one object, with the ledger's sign: credits to clearing are positive.

    ``told`` is the sum of its facts, in the payment's currency. ``booked`` is the sum of its
    movements, in the currency in which the provider settles. ``parent`` is its charge. ``since`` is
    the time of the first report.
    """

    reference: str
    parent: str
    since: datetime
    told_currency: str | None = None
    told: int = 0
    booked_currency: str | None = None
    booked: int = 0

    @property
    def sums(self) -> list[tuple[str, int]]:
        """The sums that are known, each with its currency."""
        known = [(self.told_currency, self.told), (self.booked_currency, self.booked)]
        return [(currency, amount) for currency, amount in known if currency is not None]

    @property
    def is_converted(self) -> bool:
        """Whether the provider has booked the object in another currency than it was told in."""
        currencies = {self.told_currency, self.booked_currency} - {None}
        return len(currencies) > 1 and bool(self.told) and bool(self.booked)

    @property
    def open_amount(self) -> int:
        """The amount that clearing holds for the object; the schema computes the same."""
        return 0 if self.is_converted else self.told + self.booked

    @property
    def is_settled(self) -> bool:
        """Whether no account holds anything for the object, so that it needs no item."""
        return not self.is_converted and self.told + self.booked == 0

    def with_told(self, money: Money) -> OpenItem:
        """Return the item with one more fact.

        Raises:
            SecondCurrency: the facts of the object have another currency.
        """
        _require_same(self.reference, self.told_currency, money.currency)
        return replace(self, told=self.told + money.amount, told_currency=money.currency)

    def with_booked(self, money: Money) -> OpenItem:
        """Return the item with one more movement.

        Raises:
            SecondCurrency: the movements of the object have another currency.
        """
        _require_same(self.reference, self.booked_currency, money.currency)
        return replace(self, booked=self.booked + money.amount, booked_currency=money.currency)

    def of(self, parent: str) -> OpenItem:
        """Return the item with its charge, if that was not known before."""
        return replace(self, parent=parent) if self.parent == self.reference else self


class SecondCurrency(ValueError):
    """One object has movements in two currencies. The second one goes to suspense."""


class Shelf(NamedTuple):
    """An account that open items fill: ``clearing``, ``conversion`` or ``fx_gain_loss``."""

    account: str
    currency: str


def standing(items: Iterable[OpenItem]) -> Mapping[Shelf, int]:
    """Return the amounts that open items keep on each account.

    An object that was told and booked in one currency keeps the difference in clearing. If the
    currencies differ, clearing keeps nothing: both amounts stand in conversion, one in each
    currency. When everything told of a charge is given back, the rest in the other currency is a
    gain or a loss by the exchange rate. Example: 50.00 USD settle as 31.72 GBP, and their refund
    takes 32.50 GBP: the loss is 0.78 GBP.
    """
    amounts: Counter[Shelf] = Counter()
    converted: dict[str, list[OpenItem]] = defaultdict(list)
    for item in items:
        if item.is_converted:
            converted[item.parent].append(item)
        else:
            for currency, amount in item.sums:
                amounts[Shelf("clearing", currency)] += amount
    for of_charge in converted.values():
        amounts.update(_exchanged(of_charge))
    return {shelf: amount for shelf, amount in amounts.items() if amount}


def _exchanged(items: Sequence[OpenItem]) -> Counter[Shelf]:
    """Return the amounts of the converted items of one charge."""
    sums: Counter[str] = Counter()
    for item in items:
        for currency, amount in item.sums:
            sums[currency] += amount
    is_given_back = not any(sums[item.told_currency or ""] for item in items)
    account = "fx_gain_loss" if is_given_back else "conversion"
    return Counter({Shelf(account, currency): amount for currency, amount in sums.items()})


def difference(before: Mapping[Shelf, int], after: Mapping[Shelf, int]) -> dict[Shelf, int]:
    """Return the amounts to post on each account, so that ``before`` becomes ``after``."""
    changes = {shelf: after.get(shelf, 0) - before.get(shelf, 0) for shelf in {**before, **after}}
    return {shelf: change for shelf, change in changes.items() if change}


def _require_same(reference: str, known: str | None, currency: str) -> None:
    if known not in {None, currency}:
        raise SecondCurrency(f"{reference} has amounts in {known} and in {currency}")
