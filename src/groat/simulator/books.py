"""What a provider really did: the independent witness for "charged once"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from groat.kernel.money import Money
from groat.simulator.wire import JsonObject

Status = Literal["succeeded", "declined"]


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One thing that was asked for: ``money`` reserved, taken or given back, or not.

    ``reference`` is what the client calls its payment, or its refund, if it said so. ``parent`` is
    the provider's id of what it belongs to: of a charge, the authorization that it captures, where
    it was not taken at once; of a refund or a dispute, the charge.
    """

    id: str
    money: Money
    reference: str | None
    status: Status
    parent: str | None = None


@dataclass(slots=True)
class Books:
    """Everything that one provider did, in the order it was done. Nothing is ever taken out."""

    provider: str
    authorizations: list[BookEntry] = field(default_factory=list)
    charges: list[BookEntry] = field(default_factory=list)
    refunds: list[BookEntry] = field(default_factory=list)
    disputes: list[BookEntry] = field(default_factory=list)

    def render(self) -> JsonObject:
        """Return the books as JSON; amounts are whole minor units."""
        return {
            "provider": self.provider,
            "authorizations": list(map(_render, self.authorizations)),
            "charges": list(map(_render, self.charges)),
            "refunds": list(map(_render, self.refunds)),
            "disputes": list(map(_render, self.disputes)),
        }


def _render(entry: BookEntry) -> JsonObject:
    return {
        "id": entry.id,
        "amount": entry.money.amount,
        "currency": entry.money.currency,
        "reference": entry.reference,
        "status": entry.status,
        "parent": entry.parent,
    }
