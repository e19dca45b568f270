"""PayPal's stand-in, with keys that all tests of a process share: making one takes 60 ms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.applications import Starlette

from groat.kernel.clock import Clock
from groat.simulator import certificates
from groat.simulator.paypal.app import create_paypal_app

_KEYS = 5
"""Enough for two stand-ins, each with a root and a leaf, to share none."""


def paypal_app(clock: Clock) -> Starlette:
    """Return the stand-in, with an account that has seen nothing yet and new certificates."""

    keys = _keys()
    with patch.object(certificates, "new_key", lambda: next(keys)):
        return create_paypal_app(clock)


@cache
def _keys() -> Iterator[RSAPrivateKey]:
    return cycle([certificates.new_key() for _ in range(_KEYS)])
