"""Who makes an API call."""

from __future__ import annotations

from groat.kernel.ids import MerchantId
from groat.kernel.value import Value

ENGINE = "engine"
"""The actor of changes that Groat makes by itself."""


class Caller(Value):
    """A merchant, the key it used, and the request, the latter two as audit records name them."""

    merchant_id: MerchantId
    actor: str
    request_id: str
