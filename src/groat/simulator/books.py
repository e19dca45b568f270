"""What a provider really charged: the independent witness for "charged once"."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

from groat.kernel.money import Money
from groat.simulator.wire import JsonObject

ChargeStatus = Literal["succeeded", "declined"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt to charge. ``reference`` is what the client calls its payment, if it said so."""

    id: str
    money: Money
    reference: str | None
    status: ChargeStatus


@dataclass(slots=True)
class Books:
    """Every charge of one provider, in the order they were made. Nothing is ever taken out."""

    provider: str
    entries: list[Entry] = field(default_factory=list)

    def render(self) -> JsonObject:
        """Return the books as JSON; amounts are whole minor units."""
        charges = [
            {
                "id": entry.id,
                **asdict(entry.money),
                "reference": entry.reference,
                "status": entry.status,
            }
            for entry in self.entries
        ]
        return {"provider": self.provider, "charges": charges, "refunds": []}
