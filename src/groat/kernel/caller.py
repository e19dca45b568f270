"""The caller of the API."""

from __future__ import annotations

from groat.kernel.ids import MerchantId
from groat.kernel.value import Value

ENGINE = "engine"
"""Actor that audit records name for changes by Groat itself, without a caller."""


class Caller(Value):
    """The merchant that makes an API call.

    ``actor`` names its API key and ``request_id`` the request, both as audit records name them.
    """

    merchant_id: MerchantId
    actor: str
    request_id: str
