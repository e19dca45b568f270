"""Book movements and facts: lines to post, and the open items after them. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from groat.accounts.domain import chart
from groat.accounts.domain.chart import AccountSpec
from groat.kernel.ids import AccountId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.kernel.value import Value, replace
from groat.movements.domain.attribution import Attribution, Place
from groat.movements.domain.open_items import (
    OpenItem,
    SecondCurrency,
    difference,
    standing,
)
from groat.movements.domain.postings import (
    Line,
    counter_line,
    item_lines,
    own_lines,
)
from groat.providers.domain.movements import Movement


class Bearer(Value):
    """The payment whose beneficiary bears the movements of a dispute, and its currency.

    ``claim`` is the disputed amount in that currency; None if it is not known. It counts only if
    the provider settles in another currency.
    """

    payment_id: PaymentId
    beneficiary_id: AccountId
    currency: str
    claim: int | None = None


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

    ``borne`` is the amount that the beneficiary of a dispute gets, negative if the dispute took it.
    """

    movement: Movement
    attribution: Attribution
    lines: tuple[Line, ...]
    bearer: Bearer | None = None
    borne: Money | None = None

    @property
    def owing(self) -> AccountSpec | None:
        """The account that bears the part of a dispute that the beneficiary lacks."""
        is_taken = self.borne is not None and self.borne.amount < 0
        return chart.receivable(self.borne.currency) if self.borne and is_taken else None


class PlacedMovement(Value):
    """A posted movement with its present place, the last of ``number``."""

    movement: Movement
    attribution: Attribution
    number: int


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
        case Place.BENEFICIARY if _bearer(attributed).currency != movement.currency:
            return reference, parent
        case _:
            return None


def _bearer(attributed: Attributed) -> Bearer:
    """Return the bearer of a dispute's movement.

    Raises:
        ValueError: the movement has none.
    """
    if attributed.bearer is None:
        raise ValueError(f"{attributed.movement.key} has no bearer")
    return attributed.bearer


class UnknownShare(ValueError):
    """The payment's share of a dispute in another currency is unknown: it goes to suspense."""


Unposted: TypeAlias = Mapping[str, Movement]
"""Movements that have no place yet, by key, each with the content of its first report."""


class Reports(Value):
    """The facts and movements that are about to be booked at one provider account."""

    told: tuple[ToldFact, ...]
    movements: tuple[Attributed, ...]

    @property
    def objects(self) -> dict[str, str]:
        """The objects of the reports, each with its charge."""
        items = filter(None, map(item_of, self.movements))
        return {**{fact.reference: fact.parent for fact in self.told}, **dict(items)}

    @property
    def unsettled(self) -> dict[str, str]:
        """The objects whose facts and movements do not cancel out, each with its charge."""
        sums = Counter[tuple[str, str]]()
        for fact in self.told:
            sums[fact.reference, fact.money.currency] += fact.money.amount
        for one in self.movements:
            item = item_of(one)
            if item is not None:
                sums[item[0], one.movement.currency] += one.movement.gross
        left = {reference for (reference, _), amount in sums.items() if amount}
        return {
            reference: parent for reference, parent in self.objects.items() if reference in left
        }


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
        """The items that differ from those given, in the order of their references.

        An object that had no item, and whose reports cancel out, gets none.
        """
        return [
            item
            for reference, item in sorted(self._items.items())
            if item is not self._before.get(reference)
            and not (item.is_settled and reference not in self._before)
        ]

    @property
    def missing(self) -> dict[str, str]:
        """The charges of the changed objects that had no item. Lock an item of each, and repeat."""
        return {
            one.reference: one.parent for one in self.changed if one.reference not in self._before
        }

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
        borne: Money | None = None
        try:
            if attribution.place is Place.BENEFICIARY:
                borne = self._share(attributed)
            lines = self._counter_lines(attributed, borne)
        except (SecondCurrency, UnknownShare) as error:
            attribution, borne = _suspended(attribution, error), None
            lines = [counter_line(self._account_id, movement, Place.SUSPENSE)]
        if attribution.place is not Place.TWIN:
            lines += own_lines(self._account_id, movement)
        moved = tuple(line for line in lines if line.amount)
        bearer = None if borne is None else attributed.bearer
        return BookedMovement(movement, attribution, moved, bearer, borne)

    def move(
        self, movement: Movement, before: Attribution, after: Attribution, named: AccountId | None
    ) -> list[Line]:
        """Return the lines that move the gross amount of a posted movement to another place.

        ``named`` is the account that a person chose, at the place ``NAMED``.

        Raises:
            SecondCurrency: earlier movements of the object have another currency.
        """
        left = self._at_place(replace(movement, gross=-movement.gross), before, named)
        return [*left, *self._at_place(movement, after, named)]

    def _at_place(
        self, movement: Movement, attribution: Attribution, named: AccountId | None
    ) -> list[Line]:
        if attribution.place is Place.CLEARING:
            return self._booked(Attributed(movement, attribution))
        if attribution.place is not Place.NAMED:
            return [counter_line(self._account_id, movement, attribution.place)]
        if named is None:
            raise ValueError(f"{movement.key} has no named account")
        return [Line(named, movement.gross, movement.currency)]

    def _counter_lines(self, attributed: Attributed, borne: Money | None) -> list[Line]:
        movement, place = attributed.movement, attributed.attribution.place
        match place:
            case Place.FEES | Place.TWIN:
                return []
            case Place.CLEARING:
                return self._booked(attributed)
            case Place.BENEFICIARY if borne is not None:
                return self._borne(attributed, borne)
            case _:
                return [counter_line(self._account_id, movement, place)]

    def _booked(self, attributed: Attributed) -> list[Line]:
        gross = Money(attributed.movement.gross, attributed.movement.currency)
        item = item_of(attributed)
        if item is None:
            return []
        return self._change(*item, lambda item: item.with_booked(gross))

    def _share(self, attributed: Attributed) -> Money:
        """Return the amount that the beneficiary of a dispute gets, negative if it is taken.

        Rates are shown, never multiplied. So in another currency the first movement takes the whole
        claim, a further one is an exchange difference, and only a whole return has a known share.

        Raises:
            UnknownShare: the claim is unknown, or only a part of it came back.
        """
        movement, bearer = attributed.movement, _bearer(attributed)
        found = item_of(attributed)
        if found is None:
            return Money(movement.gross, movement.currency)
        item = self._items.get(found[0]) or OpenItem(*found, self._now)
        if movement.gross <= 0 and item.told:
            return Money(0, bearer.currency)
        if movement.gross <= 0 and bearer.claim is not None:
            return Money(-bearer.claim, bearer.currency)
        if movement.gross > 0 and item.told and item.booked + movement.gross >= 0:
            return Money(item.told, bearer.currency)
        raise UnknownShare(movement.key)

    def _borne(self, attributed: Attributed, borne: Money) -> list[Line]:
        """Return the lines of a dispute's movement, which is fact and movement in one."""
        lines = [Line(_bearer(attributed).beneficiary_id, borne.amount, borne.currency)]
        item = item_of(attributed)
        if item is None:
            return lines
        told = ToldFact(*item, Money(-borne.amount, borne.currency))
        return [*lines, *self._booked(attributed), *self.tell(told)]

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


def _suspended(attribution: Attribution, error: SecondCurrency | UnknownShare) -> Attribution:
    reason = "second currency" if isinstance(error, SecondCurrency) else "unknown share"
    return Attribution(Place.SUSPENSE, attribution.reference, reason=reason)


def still_unposted(batch: Iterable[Attributed], unposted: Unposted) -> list[Attributed]:
    """Return the movements that are not posted yet, with the content of their first report."""
    return [
        replace(one, movement=unposted[one.movement.key])
        for one in batch
        if one.movement.key in unposted
    ]
