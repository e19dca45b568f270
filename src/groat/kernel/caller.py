"""Callers: the merchant, the actor and the request behind a change."""

from __future__ import annotations

from typing import Self

from groat.kernel.ids import MerchantId
from groat.kernel.scopes import ALL_SCOPES, Scope
from groat.kernel.value import Value

ENGINE = "engine"
"""Actor that audit records name for changes by Groat itself, without a caller."""


class Caller(Value):
    """The merchant that a change concerns, the actor that asks for it, and the request.

    Audit records name the actor and the request. The actor is an API key, an operator such as
    ``operator:alice``, or ``engine``. Routes require one of ``scopes`` each.
    """

    merchant_id: MerchantId
    actor: str
    request_id: str
    scopes: frozenset[Scope] = ALL_SCOPES

    @classmethod
    def engine(cls, merchant_id: MerchantId, cause: str) -> Self:
        """Return the engine itself as the caller; ``cause`` stands for the request."""
        return cls(merchant_id, ENGINE, cause)


class Operator(Value):
    """A person at the command line, who may act for every merchant."""

    name: str

    def acting_for(self, merchant_id: MerchantId) -> Caller:
        """Return the operator as the caller of a merchant's service."""
        return Caller(merchant_id, f"operator:{self.name}", "command_line")
