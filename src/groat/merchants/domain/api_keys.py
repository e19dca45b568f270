"""API keys: their scopes, their expiry, and the limits of a grant. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from groat.kernel.caller import Caller
from groat.kernel.errors import Forbidden, InvalidRequest
from groat.kernel.ids import ApiKeyId, MerchantId
from groat.kernel.scopes import ALL_SCOPES, Access, Room, Scope, scope
from groat.kernel.value import Value

EVERY_ACCESS = tuple(access.value for access in Access)
"""Scopes of a key that may do everything, also in rooms of later versions."""

LONGEST_OVERLAP = timedelta(days=30)
"""Maximum time for which a rolled key still works."""


class KeyOrder(Value):
    """An API key to create. ``scopes`` are written as in ``expanded``."""

    name: str | None = None
    scopes: tuple[str, ...] = EVERY_ACCESS
    expires_at: datetime | None = None


class StoredKey(Value):
    """An API key without its secret, safe to show. ``last_used_at`` may be a minute old."""

    id: ApiKeyId
    name: str | None
    scopes: Sequence[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class Authenticated(Value):
    """The merchant, the id and the scopes of an API key that a request was sent with."""

    merchant_id: MerchantId
    key_id: ApiKeyId
    scopes: frozenset[Scope]


@lru_cache(maxsize=1024)
def expanded(scopes: tuple[str, ...]) -> frozenset[Scope]:
    """Return the scopes that a key has. ``read`` stands for ``read`` in every room.

    A scope that this version does not know grants nothing.
    """
    rooms = {access.value: frozenset(scope(room, access) for room in Room) for access in Access}
    named = frozenset(Scope(one) for one in scopes) & ALL_SCOPES
    return named.union(*(rooms[one] for one in scopes if one in rooms))


def check_order(caller: Caller, order: KeyOrder, now: datetime) -> None:
    """Check that ``caller`` may create the key of ``order``.

    Raises:
        InvalidRequest: ``unknown_scope``, or ``invalid_expiry``.
        Forbidden: ``scope_not_held``; a key cannot grant more than it may do itself.
    """
    known = {*EVERY_ACCESS, *ALL_SCOPES}
    unknown = sorted(set(order.scopes) - known)
    if unknown or not order.scopes:
        raise InvalidRequest(
            "unknown_scope",
            f"{unknown[0][:50]!a} is not a scope." if unknown else "Give at least one scope.",
        )
    if order.expires_at is not None and order.expires_at <= now:
        raise InvalidRequest("invalid_expiry", "The key must expire in the future.")
    lacking = sorted(expanded(order.scopes) - caller.scopes)
    if lacking:
        raise Forbidden(
            "scope_not_held",
            f"The calling key lacks {', '.join(lacking)}, and so cannot grant it.",
        )


def expiry_after_roll(kept: StoredKey, overlap: timedelta, now: datetime) -> datetime:
    """Return the time at which a rolled key stops working: after ``overlap``, or as before."""
    end = now + overlap
    return end if kept.expires_at is None else min(end, kept.expires_at)
