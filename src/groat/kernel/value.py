"""Values: what the engine computes with. Compared by their fields, and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, dataclass_transform

from msgspec import Struct, field

if TYPE_CHECKING:  # mypy checks the arguments of this one, and for it a value is a dataclass
    from dataclasses import replace
else:
    from msgspec.structs import replace

__all__ = ["Value", "field", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True):
    """A frozen dataclass in all but its price: it is made in C, in a tenth of the time."""
