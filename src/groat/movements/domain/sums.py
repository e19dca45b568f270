"""Sums of movements, as a reconciliation shows them. Pure."""

from __future__ import annotations

from groat.kernel.value import Value
from groat.providers.domain.movements import MovementCategory


class MovementSum(Value):
    """The sums of the posted movements of one category, before a span or within it."""

    currency: str
    category: MovementCategory
    label: str
    is_before: bool
    count: int
    gross: int
    fee: int
    tax: int
