"""Book movements and facts: lines to post, and the open items after them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from groat.accounts.domain import chart
from groat.accounts.domain.chart import AccountSpec
from groat.kernel.ids import AccountId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.movements.domain.attribution import Attribution, Place
from groat.movements.domain.open_items import (
    OpenItem,
    SecondCurrency,
    difference,
    standing,
)
from groat.movements.domain.postings import (
    Line,
    bearer_lines,
    counter_line,
    item_lines,
    own_lines,
)
from groat.providers.domain.movements import Movement


class Bearer(Value):
    """The beneficiary who bears a movement of a dispute.

    ``money`` is the amount in the payment's currency, negative if the dispute took it; None if the
    provider settles in that currency. ``repaid`` is the part of a return that the beneficiary owed.
    """

    beneficiary_id: AccountId
    money: Money | None = None
    repaid: int = 0


class Attributed(Value):
    """A movement with its attribution, and its bearer if the place is the beneficiary."""

    movement: Movement
    attribution: Attribution
    bearer: Bearer | None = None


class ToldFact(Value):
    """A fact's side of clearing: captured money is negative, refunded money is positive.

    ``reference`` is the provider's id of the charge or refund, ``parent`` that of the charge.
    """

    reference: str
    parent: str
    money: Money


class BookedMovement(Value):
    """A movement with its final attribution and the lines to post; no lines post nothing.

    ``owing`` is the account that bears the part of a dispute that the beneficiary lacks.
    """

    movement: Movement
    attribution: Attribution
    lines: tuple[Line, ...]
    owing: AccountSpec | None = None


def item_of(attributed: Attributed) -> tuple[str, str] | None:
    """Return the object whose open item a movement changes, with its charge; None if it has none.

    A dispute in the payment's own currency needs no item, since it is fact and movement in one.
    """
    movement, attribution = attributed.movement, attributed.attribution
    reference = attribution.reference or movement.key
    parent = attribution.parent or reference
    match attribution.place:
        case Place.CLEARING:
            return reference, parent
        case Place.BENEFICIARY if _borne_money(attributed).currency != movement.currency:
            return movement.key, parent
        case _:
            return None


def _borne_money(attributed: Attributed) -> Money:
    """Return the amount that the beneficiary of a dispute gets, or loses if it is negative."""
    movement, bearer = attributed.movement, attributed.bearer
    told = bearer.money if bearer is not None else None
    return told or Money(movement.gross, movement.currency)


class OpenItems:
    """The open items of the charges at hand. They change as facts and movements are booked."""

    def __init__(
        self, account_id: ProviderAccountId, items: Iterable[OpenItem], now: datetime
    ) -> None:
        self._account_id = account_id
        self._before = {item.reference: item for item in items}
        self._items = dict(self._before)
        self._charges: dict[str, set[str]] = defaultdict(set)
        for item in self._items.values():
            self._charges[item.parent].add(item.reference)
        self._now = now

    @property
    def changed(self) -> list[OpenItem]:
        """The items that differ from those given, in the order of their references."""
        return [
            self._items[reference]
            for reference in sorted(self._items)
            if self._items[reference] is not self._before.get(reference)
        ]

    def tell(self, fact: ToldFact) -> list[Line]:
        """Take a fact, and return the lines that stand against it.

        Raises:
            SecondCurrency: an earlier fact of the object has another currency.
        """
        return self._change(fact.reference, fact.parent, lambda item: item.with_told(fact.money))

    def book(self, attributed: Attributed) -> BookedMovement:
        """Take a movement, and return the lines of its posting.

        If earlier movements of the object have another currency, it goes to suspense.
        """
        movement, attribution = attributed.movement, attributed.attribution
        lines = own_lines(self._account_id, movement)
        try:
            lines += self._counter_lines(attributed)
        except SecondCurrency:
            attribution = Attribution(
                Place.SUSPENSE, attribution.reference, reason="second currency"
            )
            lines.append(counter_line(self._account_id, movement, Place.SUSPENSE))
        if attribution.place is Place.TWIN:
            lines = []
        moved = tuple(line for line in lines if line.amount)
        return BookedMovement(movement, attribution, moved, _owing(attributed))

    def _counter_lines(self, attributed: Attributed) -> list[Line]:
        movement, place = attributed.movement, attributed.attribution.place
        match place:
            case Place.FEES | Place.TWIN:
                return []
            case Place.CLEARING:
                return self._booked(attributed)
            case Place.BENEFICIARY:
                return self._borne(attributed)
            case _:
                return [counter_line(self._account_id, movement, place)]

    def _booked(self, attributed: Attributed) -> list[Line]:
        gross = Money(attributed.movement.gross, attributed.movement.currency)
        item = item_of(attributed)
        if item is None:
            return []
        return self._change(*item, lambda item: item.with_booked(gross))

    def _borne(self, attributed: Attributed) -> list[Line]:
        """Return the lines of a dispute's movement, which is fact and movement in one.

        Raises:
            ValueError: the movement has no bearer.
        """
        bearer, money = attributed.bearer, _borne_money(attributed)
        if bearer is None:
            raise ValueError(f"{attributed.movement.key} has no bearer")
        lines = bearer_lines(bearer.beneficiary_id, money.amount, money.currency, bearer.repaid)
        item = item_of(attributed)
        if item is None:
            return lines
        told = ToldFact(*item, Money(-money.amount, money.currency))
        return [*lines, *self.tell(told), *self._booked(attributed)]

    def _change(
        self, reference: str, parent: str, change: Callable[[OpenItem], OpenItem]
    ) -> list[Line]:
        old = self._items.get(reference) or OpenItem(reference, parent, self._now)
        new = change(old.of(parent))
        parents = {old.parent, new.parent}
        before = standing(self._of(parents))
        self._items[reference] = new
        for one in parents:
            self._charges[one].add(reference)
        return item_lines(self._account_id, difference(before, standing(self._of(parents))))

    def _of(self, parents: Iterable[str]) -> list[OpenItem]:
        """Return the items whose charge is one of ``parents``."""
        return [
            item
            for parent in parents
            for item in map(self._items.get, self._charges[parent])
            if item is not None and item.parent == parent
        ]


def _owing(attributed: Attributed) -> AccountSpec | None:
    money = _borne_money(attributed)
    is_taken = attributed.attribution.place is Place.BENEFICIARY and money.amount < 0
    return chart.receivable(money.currency) if is_taken else None
