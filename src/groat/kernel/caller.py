"""Who makes an API call."""

from __future__ import annotations

from dataclasses import dataclass

from groat.kernel.ids import MerchantId


@dataclass(frozen=True, slots=True)
class Caller:
    """A merchant, the key it used, and the request, the latter two as audit records name them."""

    merchant_id: MerchantId
    actor: str
    request_id: str
