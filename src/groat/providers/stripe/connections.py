"""Give the Stripe SDK an HTTP client without a queue: every call gets a connection at once."""

from __future__ import annotations

import ssl
from functools import cache

import httpx
import stripe

from groat.providers.reading import NO_QUEUE, bounded


class Connections(stripe.HTTPXClient):
    """The SDK's HTTP client without its limit of 100 connections, which the SDK cannot change.

    See ``NO_QUEUE`` for the reason.
    """

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(timeout=bounded(timeout_seconds))
        self._client_async = httpx.AsyncClient(verify=_trusted(), limits=NO_QUEUE)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the TLS context that all accounts share. It trusts the SDK's own authorities."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)
