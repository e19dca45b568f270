"""Audit actions, the names of changes. Each room declares its own; no name ever changes. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Action(StrEnum):
    """The base of each room's actions. A member is a name such as ``payment.captured``.

    ``meaning`` says in one sentence what changed, for the reference page.
    """

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        """Make a member of its name and its meaning."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member
