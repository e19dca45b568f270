"""Connections to Stripe, for the SDK: as many as there are calls."""

from __future__ import annotations

import ssl
from functools import cache

import httpx
import stripe

from groat.providers.reading import NO_QUEUE, bounded


class Connections(stripe.HTTPXClient):
    """The SDK's client, but for its limit of 100 connections, which cannot be set: ``NO_QUEUE``."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(timeout=bounded(timeout_seconds))
        self._client_async = httpx.AsyncClient(verify=_trusted(), limits=NO_QUEUE)


@cache
def _trusted() -> ssl.SSLContext:
    """Return what all accounts' connections trust: the authorities that the SDK comes with."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)
