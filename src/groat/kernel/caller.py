"""The caller of the API."""

from __future__ import annotations

from groat.kernel.ids import MerchantId
from groat.kernel.value import Value

ENGINE = "engine"
"""Actor in the audit records of changes that no caller asked for."""


class Caller(Value):
    """The merchant that makes an API call.

    ``actor`` names its API key and ``request_id`` the request, both as audit records name them.
    """

    merchant_id: MerchantId
    actor: str
    request_id: str
