"""The books of a provider: an independent witness that a customer was charged only once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from groat.kernel.money import Money
from groat.simulator.wire import JsonObject

Status = Literal["succeeded", "declined"]


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One authorization, charge, refund or dispute, successful or declined.

    ``reference`` is the client's name for its payment or refund, if the client gave one. ``parent``
    is the provider's id of the entry that this entry belongs to. For a refund or a dispute, it is
    the charge. For a charge, it is the captured authorization, or None without an authorization.
    """

    id: str
    money: Money
    reference: str | None
    status: Status
    parent: str | None = None


@dataclass(slots=True)
class Books:
    """All entries of one provider, oldest first. No entry is ever removed."""

    provider: str
    authorizations: list[BookEntry] = field(default_factory=list)
    charges: list[BookEntry] = field(default_factory=list)
    refunds: list[BookEntry] = field(default_factory=list)
    disputes: list[BookEntry] = field(default_factory=list)

    def render(self) -> JsonObject:
        """Return the books as JSON, with amounts in minor units."""
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
