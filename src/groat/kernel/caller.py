"""Callers: who asks for a change, and in which request."""

from __future__ import annotations

from typing import Self

from groat.kernel.ids import MerchantId
from groat.kernel.value import Value

ENGINE = "engine"
"""The actor of changes that Groat makes by itself."""

OPERATOR = "operator"
"""The actor of changes that are made on the command line."""


class Caller(Value):
    """A merchant, the actor, and the request; audit records name the latter two.

    The actor is an API key, ``operator`` or ``engine``.
    """

    merchant_id: MerchantId
    actor: str
    request_id: str

    @classmethod
    def engine(cls, merchant_id: MerchantId, cause: str) -> Self:
        """Return the engine itself as the caller; ``cause`` stands for the request."""
        return cls(merchant_id, ENGINE, cause)

    @classmethod
    def operator(cls, merchant_id: MerchantId, cause: str = "command_line") -> Self:
        """Return an operator as the caller; ``cause`` stands for the request."""
        return cls(merchant_id, OPERATOR, cause)
