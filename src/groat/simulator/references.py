"""Identifiers that look like the providers' own. Their only promise is that they are unique."""

from __future__ import annotations

import random
import string

_CHANCE = random.SystemRandom()
_CAPITALS_AND_DIGITS = string.ascii_uppercase + string.digits


def stripe_id(prefix: str) -> str:
    """Return such as ``pi_`` and 24 letters and digits."""
    return f"{prefix}_{secret_text(24)}"


def paypal_id() -> str:
    """Return 17 capitals and digits."""
    return "".join(_CHANCE.choices(_CAPITALS_AND_DIGITS, k=17))


def secret_text(length: int) -> str:
    """Return letters and digits that nobody can guess."""
    return "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=length))
