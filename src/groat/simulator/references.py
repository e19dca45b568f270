"""Random identifiers that look like the providers' own. They are unique, and carry no meaning."""

from __future__ import annotations

import random
import string

_CHANCE = random.SystemRandom()
_CAPITALS_AND_DIGITS = string.ascii_uppercase + string.digits


def stripe_id(prefix: str) -> str:
    """Return a new id: the prefix, such as ``pi``, an underscore, and 24 letters and digits."""
    return f"{prefix}_{secret_text(24)}"


def paypal_id() -> str:
    """Return a new id of 17 capitals and digits."""
    return "".join(_CHANCE.choices(_CAPITALS_AND_DIGITS, k=17))


def secret_text(length: int) -> str:
    """Return ``length`` random letters and digits that cannot be guessed."""
    return "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=length))
