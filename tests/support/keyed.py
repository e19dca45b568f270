"""Idempotency keys for requests whose tests do not care about them."""

from __future__ import annotations

from uuid import uuid4

import httpx

NEED_KEYS = ("/v1/payments", "/v1/refunds")
"""Paths below which the API requires a key of a POST."""


def give_key(request: httpx.Request) -> None:
    """Give a request that needs a key one of its own, if the test gives none."""
    if request.method == "POST" and request.url.path.startswith(NEED_KEYS):
        request.headers.setdefault("idempotency-key", str(uuid4()))


async def give_key_async(request: httpx.Request) -> None:
    """The same, for an asynchronous client."""
    give_key(request)
