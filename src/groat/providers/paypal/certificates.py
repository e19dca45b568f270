"""Fetch PayPal's signing certificates from PayPal's hosts only, verify them, and cache them.

The address of the certificate comes in a header of the webhook. An attacker may have written it, so
it must match an address of PayPal before it is fetched.
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
"""Form of a certificate's address. The whole text must match, and no URL parser is used.

URL parsers disagree about unusual addresses, and an attacker could exploit the difference.
"""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

_SUBJECT = x509.DNSName("messageverificationcerts.paypal.com")
"""Name that PayPal's signing certificates carry."""

_MOST_BYTES = 64 * 1024
"""Maximum bytes of a certificate chain."""

_MOST_KEPT = 16
"""Maximum chains in the cache of an account."""

_FETCH_SECONDS = 5.0
"""Maximum seconds to fetch a chain, including the wait for other fetches."""

_FETCHES_AT_ONCE = 4
"""Maximum concurrent fetches of an account."""


class CertificateSource:
    """Return the certificates that PayPal signs webhooks with.

    ``simulator_base`` and ``simulator_root`` (PEM) are for a simulator. They replace PayPal's hosts
    and the public certificate authorities, and are given together.
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
        """Return the certificate at ``url`` if it is valid at ``now``, else a rejection."""
        if not self.is_allowed(url):
            return Rejection.CERTIFICATE_NOT_ALLOWED
        chain = await self._chain(url)
        if chain is None:
            return Rejection.CERTIFICATE_UNAVAILABLE
        return chain[0] if self._is_valid(chain, now) else Rejection.CERTIFICATE_INVALID

    def is_allowed(self, url: str) -> bool:
        """Tell whether ``url`` is an address where PayPal publishes certificates."""
        address = _ADDRESS.fullmatch(url)
        return address is not None and address[1] in self._origins

    async def _chain(self, url: str) -> list[x509.Certificate] | None:
        """Return the chain at ``url`` from the cache, or fetch it; None if that fails.

        The number of concurrent fetches is limited. Addresses that never answer must not pile up.
        """
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                if url not in self._chains:
                    async with self._fetching:
                        if url not in self._chains:  # another task may have fetched it meanwhile
                            self._keep(url, await self._fetch(url))
                return self._chains.get(url)
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None

    def _keep(self, url: str, chain: list[x509.Certificate]) -> None:
        if len(self._chains) >= _MOST_KEPT:
            self._chains.clear()
        self._chains[url] = chain

    async def _fetch(self, url: str) -> list[x509.Certificate]:
        """Fetch the chain at ``url``.

        Raises:
            httpx.HTTPError: the address cannot be fetched.
            ValueError: the content is missing, too large, or not a chain of certificates.
        """
        async with self._http.stream("GET", url, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError("the address has no certificate")
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise ValueError("the certificate chain is too large")
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
    """Return the trusted certificate authorities, one store for all accounts."""
    roots = simulator_root or certifi.contents()
    return Store(_readable_certificates(roots.encode()))


def _readable_certificates(pem: bytes) -> list[x509.Certificate]:
    """Parse the certificates in ``pem``, and skip those that cannot be parsed.

    Some public authorities have the serial number zero, against RFC 5280, 4.1.2.2. The library
    warns that a later version will refuse them. Then the other authorities must still be read.
    """
    readable = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for block in _PEM.findall(pem):
            try:
                readable.append(x509.load_pem_x509_certificate(block))
            except ValueError:
                continue
    return readable
