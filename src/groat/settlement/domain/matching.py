"""Matching: the provider's list of movements against ours. Every difference has a class. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest

from groat.kernel.value import Value
from groat.providers.domain.movements import Movement


class DifferenceKind(StrEnum):
    """The classes of differences. Each row has at most one: the first that applies.

    ``DUPLICATE``: one list has a movement once more than the other.
    """

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    CURRENCY = "currency"
    AMOUNT = "amount"
    FEE = "fee"
    PAYOUT = "payout"
    DUPLICATE = "duplicate"


class Difference(Value):
    """A difference: our movement, and the one that the provider lists; None if there is none."""

    kind: DifferenceKind
    ours: Movement | None
    theirs: Movement | None

    @property
    def key(self) -> str:
        """The key of the movement, the provider's if both sides have one."""
        movement = self.theirs or self.ours
        return movement.key if movement is not None else ""


class Matching:
    """Compares lists of any length, batch by batch, in any order.

    It remembers the keys that it has seen, and the movements without a partner.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._alone: list[Movement] = []

    def compare(
        self, theirs: Sequence[Movement], ours: Mapping[str, Movement]
    ) -> Iterator[Difference]:
        """Compare a batch of the provider's list; ``ours`` has our movements with its keys.

        Movements without a partner are reported by ``finish``: the rest of the list may explain
        them.
        """
        for their in theirs:
            if their.key in self._seen:
                yield Difference(DifferenceKind.DUPLICATE, ours.get(their.key), their)
                continue
            self._seen.add(their.key)
            our = ours.get(their.key)
            if our is None:
                self._alone.append(their)
            elif (kind := _kind(our, their)) is not None:
                yield Difference(kind, our, their)

    def finish(self, ours: Iterable[Movement]) -> Iterator[Difference]:
        """Report the movements without a partner; ``ours`` are ours of the span of the list.

        A movement on each side with one identity is one row, whose amounts differ.
        """
        here = _by_identity(our for our in ours if our.key not in self._seen)
        there = _by_identity(self._alone)
        for identity in sorted(here.keys() | there.keys()):
            for our, their in zip_longest(here[identity], there[identity]):
                yield Difference(self._kind_alone(our, their), our, their)

    def _kind_alone(self, our: Movement | None, their: Movement | None) -> DifferenceKind:
        if our is None:
            return DifferenceKind.MISSING_HERE
        if their is None:
            equal = our.first_of_equal_key
            is_repeated = equal != our.key and equal in self._seen
            return DifferenceKind.DUPLICATE if is_repeated else DifferenceKind.MISSING_THERE
        return _kind(our, their) or DifferenceKind.DUPLICATE


def match(ours: Sequence[Movement], theirs: Sequence[Movement]) -> list[Difference]:
    """Return the differences of two lists that fit into memory."""
    matching = Matching()
    known = {our.key: our for our in ours}
    return [*matching.compare(theirs, known), *matching.finish(ours)]


def _kind(our: Movement, their: Movement) -> DifferenceKind | None:
    """Return the first difference of two movements, None if they agree.

    Fee and tax are compared as one amount: some reports state only their sum. A payout differs only
    if both sides know one.
    """
    if our.currency != their.currency:
        return DifferenceKind.CURRENCY
    if our.gross != their.gross:
        return DifferenceKind.AMOUNT
    if our.fee + our.tax != their.fee + their.tax:
        return DifferenceKind.FEE
    if our.payout and their.payout and our.payout != their.payout:
        return DifferenceKind.PAYOUT
    return None


def _by_identity(movements: Iterable[Movement]) -> defaultdict[str, list[Movement]]:
    found: defaultdict[str, list[Movement]] = defaultdict(list)
    for movement in movements:
        found[movement.identity].append(movement)
    return found
