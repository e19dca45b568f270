"""The books of a provider: an independent witness of its charges and of its movements of money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from groat.kernel.money import Money
from groat.simulator.wire import JsonObject

Status = Literal["succeeded", "declined"]
Purse: TypeAlias = Literal["payments", "reserve"]
"""A part of the balance: the money at the merchant's disposal, or the money that is held back."""


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


@dataclass(frozen=True, slots=True)
class MovementEntry:
    """One change of the balance, by ``gross`` minus ``fee``. Money that leaves is negative.

    ``id`` is the provider's key of the movement, and ``category`` is the provider's word for it.
    ``reference`` is the provider's id of the object that caused the movement, or None.
    """

    id: str
    category: str
    gross: Money
    fee: Money
    reference: str | None
    purse: Purse = "payments"

    @property
    def net(self) -> int:
        """The change of the balance, in minor units."""
        return self.gross.amount - self.fee.amount


@dataclass(slots=True)
class Books:
    """All entries of one provider, oldest first. No entry is ever removed."""

    provider: str
    authorizations: list[BookEntry] = field(default_factory=list)
    charges: list[BookEntry] = field(default_factory=list)
    refunds: list[BookEntry] = field(default_factory=list)
    disputes: list[BookEntry] = field(default_factory=list)
    movements: list[MovementEntry] = field(default_factory=list)

    def render(self) -> JsonObject:
        """Return the books as JSON, with amounts in minor units."""
        return {
            "provider": self.provider,
            "authorizations": list(map(_render, self.authorizations)),
            "charges": list(map(_render, self.charges)),
            "refunds": list(map(_render, self.refunds)),
            "disputes": list(map(_render, self.disputes)),
        }

    def render_movements(self) -> JsonObject:
        """Return every movement, also those that no event, list or file tells."""
        return {"movements": list(map(_render_movement, self.movements))}

    def render_balances(self) -> JsonObject:
        """Return the sum of all movements by currency, and the part of it that is held back."""
        totals: defaultdict[str, int] = defaultdict(int)
        reserved: defaultdict[str, int] = defaultdict(int)
        for movement in self.movements:
            totals[movement.gross.currency] += movement.net
            if movement.purse == "reserve":
                reserved[movement.gross.currency] += movement.net
        balances: list[JsonObject] = [
            {"currency": currency, "total": total, "reserved": reserved[currency]}
            for currency, total in sorted(totals.items())
        ]
        return {"balances": balances}


def _render(entry: BookEntry) -> JsonObject:
    return {
        "id": entry.id,
        "amount": entry.money.amount,
        "currency": entry.money.currency,
        "reference": entry.reference,
        "status": entry.status,
        "parent": entry.parent,
    }


def _render_movement(movement: MovementEntry) -> JsonObject:
    return {
        "id": movement.id,
        "category": movement.category,
        "gross": movement.gross.amount,
        "fee": movement.fee.amount,
        "currency": movement.gross.currency,
        "reference": movement.reference,
        "purse": movement.purse,
    }
