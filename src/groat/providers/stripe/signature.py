"""Stripe's webhook signatures: a total function, for any bytes.

Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from groat.providers.port import Rejection

TOLERANCE_SECONDS = 300
_HEADER = re.compile(r"t=([0-9]{1,12})((?:,[a-z][a-z0-9]*=[^,]*)*)", re.ASCII)
_HEADER_LENGTH_MAX = 8192
"""What servers and proxies commonly take in a line. It is the header that is bounded and not the
number of signatures, since which of them is right is not told by its place."""


def verify(
    header: str | None, body: bytes, secrets: Sequence[str], now: datetime
) -> Rejection | None:
    """Return why ``body`` is not signed with one of ``secrets``, or None if it is.

    The header is ``t=<unix>,v1=<hex>[,v1=<hex>]...``. Any matching v1 suffices and no other scheme
    does. The signed text is ``<t>.<body>``; the key is the secret as it stands.
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
    return any(hmac.compare_digest(right, one.encode()) for one in given)
