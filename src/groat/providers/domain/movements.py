"""Movements: the changes of a balance that a provider has booked, each with a key of its own.

An event reports that something happened: a charge was captured. A movement is the provider's own
entry in its books: Stripe's balance transaction, PayPal's transaction row. One translation for each
provider turns its entries into movements, whether they come from an API, an event or a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from groat.kernel.value import Value, field


class MovementCategory(StrEnum):
    """The cause of a movement, in the same words for every provider.

    ``PARTIAL_CAPTURE`` gives back the part of an authorization that was not captured. ``RESERVE``
    moves money between the available and the withheld part of the balance. ``OPENING`` is the
    balance at the time from which Groat reads the provider's list; no provider books it.
    """

    CHARGE = "charge"
    PARTIAL_CAPTURE = "partial_capture"
    CHARGE_FAILURE = "charge_failure"
    REFUND = "refund"
    REFUND_FAILURE = "refund_failure"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    FEE = "fee"
    TAX = "tax"
    PAYOUT = "payout"
    PAYOUT_REVERSAL = "payout_reversal"
    TOP_UP = "top_up"
    RESERVE = "reserve"
    CONVERSION = "conversion"
    FINANCING = "financing"
    OPENING = "opening"
    OTHER = "other"


class Pool(StrEnum):
    """The part of the provider's balance that a movement changes.

    Most movements change the part that can be paid out. The provider keeps the rest back.
    """

    AVAILABLE = "available"
    RESERVED = "reserved"


class Movement(Value):
    """One entry in a provider's books, in minor units of the balance's ``currency``.

    ``gross`` is positive if money came in. ``fee`` and ``tax`` are positive if the provider took
    them; ``tax`` is the tax on the fee, or tax that the provider withheld. A movement that is only
    a fee has the gross amount 0. ``label`` is the provider's own name of the category.

    ``key`` identifies the movement for ever, so that it is posted once. ``source`` is the
    provider's id of the object that caused it, ``parent`` the charge that this object belongs to.
    ``payout`` is the payout that paid it out, if the provider says so. ``fee_parts`` are the
    provider's names of the parts of the fee.
    """

    key: str
    category: MovementCategory
    label: str
    occurred_at: datetime
    currency: str
    gross: int
    fee: int = 0
    tax: int = 0
    source: str | None = None
    parent: str | None = None
    payout: str | None = None
    pool: Pool = Pool.AVAILABLE
    fee_parts: Mapping[str, int] = field(default_factory=dict)

    @property
    def net(self) -> int:
        """The change of the balance: the gross amount less fee and tax."""
        return self.gross - self.fee - self.tax

    @property
    def identity(self) -> str:
        """The part of the key without amounts. A corrected row has the identity of the old one."""
        return self.key.partition(AMOUNTS)[0]

    @property
    def first_of_equal_key(self) -> str:
        """The key of the first of equal rows; the movement's own key if it has no number."""
        if AMOUNTS not in self.key:
            return self.key
        return f"{self.key.rpartition(ORDINAL)[0]}{ORDINAL}1"


AMOUNTS = "|"
"""Separates the identity of a movement from its amounts, in keys that contain amounts."""

ORDINAL = "/"
"""Separates the number among equal rows, the last part of a key that contains amounts."""


def signed_category(category: MovementCategory, gross: int) -> MovementCategory:
    """Return the category that the sign of the amount decides.

    Providers use one name for both directions. Example: a refund that comes back is a positive
    refund at one provider, and has a category of its own at another.
    """
    if gross == 0:
        return category
    return (_INCOMING if gross > 0 else _OUTGOING).get(category, category)


_INCOMING = {
    MovementCategory.REFUND: MovementCategory.REFUND_FAILURE,
    MovementCategory.DISPUTE: MovementCategory.DISPUTE_REVERSAL,
}
_OUTGOING = {
    MovementCategory.CHARGE: MovementCategory.CHARGE_FAILURE,
    MovementCategory.DISPUTE_REVERSAL: MovementCategory.DISPUTE,
}
