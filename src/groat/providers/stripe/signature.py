"""Verify Stripe's webhook signatures. The function is total: it answers any bytes.

Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from groat.providers.port import Rejection

TOLERANCE_SECONDS = 300
"""Maximum seconds between the time that Stripe signed and now, in either direction."""
_HEADER = re.compile(r"t=([0-9]{1,12})((?:,[a-z][a-z0-9]*=[^,]*)*)", re.ASCII)
_HEADER_LENGTH_MAX = 8192
"""Maximum characters of the header: the limit that servers and proxies commonly set for a line.

The number of signatures has no limit, since any of them may be the right one.
"""


def verify(
    header: str | None, body: bytes, secrets: Sequence[str], now: datetime
) -> Rejection | None:
    """Return the reason to reject a webhook, None if one of ``secrets`` signed ``body``.

    The header is ``t=<unix>,v1=<hex>[,v1=<hex>]...``. One matching ``v1`` is enough. Other schemes
    do not count. The signed text is ``<t>.<body>``. The key is the whole secret, with its prefix.
    """
    if not header:
        return Rejection.SIGNATURE_MISSING
    match = _HEADER.fullmatch(header) if len(header) <= _HEADER_LENGTH_MAX else None
    if match is None:
        return Rejection.SIGNATURE_MALFORMED
    timestamp, rest = match[1], match[2]
    given = [part[3:] for part in rest.split(",") if part.startswith("v1=")]
    if not given:
        return Rejection.SIGNATURE_MISSING
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return Rejection.TIMESTAMP_OUTSIDE_TOLERANCE
    text = timestamp.encode() + b"." + body
    if any(_matches(text, secret, given) for secret in secrets):
        return None
    return Rejection.SIGNATURE_MISMATCH


def _matches(text: bytes, secret: str, given: Sequence[str]) -> bool:
    right = hmac.digest(secret.encode(), text, "sha256").hex().encode()
    return any(hmac.compare_digest(right, signature.encode()) for signature in given)
