"""Attribution: the account that stands against the gross amount of a movement, and why. Pure."""

from __future__ import annotations

from enum import StrEnum

from groat.kernel.value import Value
from groat.providers.domain.movements import Movement, MovementCategory, Pool


class Place(StrEnum):
    """The account against which a movement's gross amount is posted.

    ``BENEFICIARY`` is the wallet of a payment, for the movements of disputes. ``FEES`` stands for
    movements that are only a fee or a tax. ``TWIN`` posts nothing: the provider books a hold on
    both parts of its balance, and the movement of the available part posts both. ``NAMED`` is an
    account that a person chose for a movement in suspense; the reference is its id.
    """

    CLEARING = "clearing"
    BENEFICIARY = "beneficiary"
    SUSPENSE = "suspense"
    FOREIGN = "foreign"
    IN_TRANSIT = "in_transit"
    RESERVE = "reserve"
    LOAN = "loan"
    CONVERSION = "conversion"
    OPENING = "opening"
    NAMED = "named"
    FEES = "fees"
    TWIN = "twin"


class Owner(StrEnum):
    """The system that made the object that a movement belongs to.

    ``UNKNOWN``: the provider was asked and could not tell, or a person must decide.
    """

    OURS = "ours"
    OTHER_SYSTEM = "other_system"
    UNKNOWN = "unknown"


class Attribution(Value):
    """The place of a movement. ``reference`` is the object that it belongs to at this place.

    ``parent`` is the charge of that object, and the reference itself for a charge. ``reason`` says
    why a movement stands in suspense.
    """

    place: Place
    reference: str | None = None
    parent: str | None = None
    reason: str | None = None


_PLACES = {
    MovementCategory.FEE: Place.FEES,
    MovementCategory.TAX: Place.FEES,
    MovementCategory.PAYOUT: Place.IN_TRANSIT,
    MovementCategory.PAYOUT_REVERSAL: Place.IN_TRANSIT,
    MovementCategory.TOP_UP: Place.IN_TRANSIT,
    MovementCategory.RESERVE: Place.RESERVE,
    MovementCategory.CONVERSION: Place.CONVERSION,
    MovementCategory.FINANCING: Place.LOAN,
    MovementCategory.OPENING: Place.OPENING,
}
"""Places of categories that belong to no payment."""

_OF_CHARGE = frozenset({MovementCategory.PARTIAL_CAPTURE, MovementCategory.CHARGE_FAILURE})
"""Categories that change the charge itself. Their source is another object, such as a refund."""

_DISPUTES = frozenset({MovementCategory.DISPUTE, MovementCategory.DISPUTE_REVERSAL})


def belongs_to_payment(category: MovementCategory) -> bool:
    """Tell whether movements of a category belong to a charge, so that an owner must be known."""
    return category not in _PLACES and category is not MovementCategory.OTHER


def reference_of(movement: Movement) -> str | None:
    """Return the object that a movement of a payment belongs to, None if it names none.

    A movement that gives a part of a charge back belongs to the charge. Without the charge's id it
    names none: fetch its source, which has the id.
    """
    return movement.parent if movement.category in _OF_CHARGE else movement.source


def attribute(movement: Movement, owner: Owner, why_unknown: str = "owner unknown") -> Attribution:
    """Return the place of a movement, whose object ``owner`` has made.

    The category and the sign of the amount decide. A movement without a known owner goes to
    suspense with the reason ``why_unknown``, so every movement has a place.
    """
    place = _PLACES.get(movement.category)
    if place is Place.RESERVE and movement.pool is Pool.RESERVED:
        return Attribution(Place.TWIN)
    if place is Place.FEES and movement.gross:
        return Attribution(Place.SUSPENSE, movement.source, reason="a fee with a gross amount")
    if place is not None:
        return Attribution(place, movement.source)
    reference = reference_of(movement)
    problem = _problem(movement, reference, None if owner is not Owner.UNKNOWN else why_unknown)
    if problem is not None:
        return Attribution(Place.SUSPENSE, reference or movement.source, reason=problem)
    if owner is Owner.OTHER_SYSTEM:
        return Attribution(Place.FOREIGN, reference)
    is_dispute = movement.category in _DISPUTES
    place = Place.BENEFICIARY if is_dispute else Place.CLEARING
    return Attribution(place, reference, movement.parent or reference)


def _problem(movement: Movement, reference: str | None, why_unknown: str | None) -> str | None:
    """Return the reason for which a movement goes to suspense, None if it does not."""
    if movement.category is MovementCategory.OTHER:
        return f"category {movement.label}"
    if reference is None:
        return "names no charge"
    return why_unknown
