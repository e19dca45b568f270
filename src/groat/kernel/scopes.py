"""Scopes: the rooms that a caller may use, each for reading, writing or administration.

A scope is written as ``payments:write``. The names are stored with API keys and never change.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

Scope = NewType("Scope", str)


class Room(StrEnum):
    """The rooms that have routes."""

    ACCOUNTS = "accounts"
    AUDIT = "audit"
    EVENTS = "events"
    INBOX = "inbox"
    MERCHANTS = "merchants"
    PAYMENTS = "payments"
    ROUTING = "routing"
    SETTLEMENT = "settlement"


class Access(StrEnum):
    """The kinds of access to a room. None of them includes another.

    ``write`` is for the daily business, such as a payment. ``admin`` changes how Groat handles it,
    such as routing rules, or repeats it, such as a replay of events.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


def scope(room: Room, access: Access) -> Scope:
    """Return the scope for one kind of access to a room."""
    return Scope(f"{room}:{access}")


ALL_SCOPES = frozenset(scope(room, access) for room in Room for access in Access)
"""Every scope: those of an operator, of the engine itself, and of every API key."""
