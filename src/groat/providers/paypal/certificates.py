"""PayPal's signing certificates: fetched from PayPal's hosts only, checked, and kept.

The address comes in a header, so it is the sender's until it is shown to be PayPal's.
"""

from __future__ import annotations

import asyncio
import re
import warnings
from datetime import datetime
from functools import lru_cache

import certifi
import httpx
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from groat.providers.port import Rejection

_ORIGINS = frozenset(
    {
        "https://api.paypal.com",
        "https://api-m.paypal.com",
        "https://api.sandbox.paypal.com",
        "https://api-m.sandbox.paypal.com",
    }
)
_ADDRESS = re.compile(r"([a-z]+://[^/]+)/v1/notifications/certs/[A-Za-z0-9_-]+")
"""Stated as text, not taken apart: readers of addresses differ on what is out of the ordinary."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

_SUBJECT = x509.DNSName("messageverificationcerts.paypal.com")
_MOST_BYTES = 64 * 1024
_MOST_KEPT = 16
_FETCH_SECONDS = 5.0
_FETCHES_AT_ONCE = 4


class CertificateSource:
    """Hands out the certificates that webhooks are signed with.

    ``simulator_base`` and ``simulator_root`` (PEM), given together, stand in for PayPal's hosts and
    for the world's certificate authorities.
    """

    def __init__(
        self, http: httpx.AsyncClient, simulator_base: str | None, simulator_root: str | None
    ) -> None:
        self._http = http
        base = (simulator_base or "").rstrip("/")
        self._origins = {base} if base and base not in _ORIGINS else _ORIGINS
        self._store = _store(simulator_root)
        self._chains: dict[str, list[x509.Certificate]] = {}
        self._fetching = asyncio.Semaphore(_FETCHES_AT_ONCE)

    async def certificate(self, url: str, now: datetime) -> x509.Certificate | Rejection:
        """Return the certificate at ``url``, valid at ``now``, or why there is none to trust."""
        if not self.is_allowed(url):
            return Rejection.CERTIFICATE_NOT_ALLOWED
        chain = await self._chain(url)
        if chain is None:
            return Rejection.CERTIFICATE_UNAVAILABLE
        return chain[0] if self._is_valid(chain, now) else Rejection.CERTIFICATE_INVALID

    def is_allowed(self, url: str) -> bool:
        """Tell whether ``url`` is an address under which PayPal keeps certificates."""
        address = _ADDRESS.fullmatch(url)
        return address is not None and address[1] in self._origins

    async def _chain(self, url: str) -> list[x509.Certificate] | None:
        """Return a chain. A few are fetched at a time: what leads nowhere must not pile up."""
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                if url not in self._chains:
                    async with self._fetching:
                        if url not in self._chains:  # who was before us may have fetched it
                            self._keep(url, await self._fetch(url))
                return self._chains.get(url)
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None

    def _keep(self, url: str, chain: list[x509.Certificate]) -> None:
        if len(self._chains) >= _MOST_KEPT:
            self._chains.clear()
        self._chains[url] = chain

    async def _fetch(self, url: str) -> list[x509.Certificate]:
        """Return the chain at ``url``.

        Raises:
            httpx.HTTPError: it cannot be fetched.
            ValueError: it is none, or too large a one.
        """
        async with self._http.stream("GET", url, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError("there is nothing")
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise ValueError("it is too large")
        return x509.load_pem_x509_certificates(content)

    def _is_valid(self, chain: list[x509.Certificate], now: datetime) -> bool:
        verifier = PolicyBuilder().store(self._store).time(now).build_server_verifier(_SUBJECT)
        try:
            verifier.verify(chain[0], chain[1:])
        except VerificationError:
            return False
        return True


@lru_cache(maxsize=4)
def _store(simulator_root: str | None) -> Store:
    """Return the authorities that are trusted, one store for all accounts."""
    roots = simulator_root or certifi.contents()
    return Store(_readable_certificates(roots.encode()))


def _readable_certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in ``pem`` that can be read.

    Some of the world's authorities have the serial number zero, against RFC 5280, 4.1.2.2. The
    library warns that it will not read those for ever: the others must not go with them.
    """
    readable = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for one in _PEM.findall(pem):
            try:
                readable.append(x509.load_pem_x509_certificate(one))
            except ValueError:
                continue
    return readable
