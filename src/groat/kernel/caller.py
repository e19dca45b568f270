"""Callers: the merchant, the actor and the request behind a change."""

from __future__ import annotations

from typing import Self

from groat.kernel.ids import MerchantId
from groat.kernel.value import Value

ENGINE = "engine"
"""Actor that audit records name for changes by Groat itself, without a caller."""

OPERATOR = "operator"
"""Actor in the audit records of changes made on the command line."""


class Caller(Value):
    """The merchant that asks for a change, the actor, and the request.

    Audit records name the actor and the request. The actor is an API key, ``operator`` or
    ``engine``.
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
