"""PayPal's signing certificates: fetched from PayPal's hosts only, checked, and kept.

The address comes in a header, so it is the sender's until it is shown to be PayPal's.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

import certifi
import httpx
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from groat.providers.port import Rejection

_HOSTS = frozenset(
    {
        "api.paypal.com",
        "api-m.paypal.com",
        "api.sandbox.paypal.com",
        "api-m.sandbox.paypal.com",
    }
)
_PATH = "/v1/notifications/certs/"
_SUBJECT = x509.DNSName("messageverificationcerts.paypal.com")
_MOST_BYTES = 64 * 1024
_MOST_KEPT = 16


class CertificateSource:
    """Hands out the certificates that webhooks are signed with.

    ``simulator_base`` and ``simulator_root`` (PEM), given together, stand in for PayPal's hosts and
    for the world's certificate authorities.
    """

    def __init__(
        self, http: httpx.AsyncClient, simulator_base: str | None, simulator_root: str | None
    ) -> None:
        self._http = http
        self._simulator = urlsplit(simulator_base) if simulator_base else None
        roots = simulator_root or certifi.contents()
        self._store = Store(x509.load_pem_x509_certificates(roots.encode()))
        self._chains: dict[str, list[x509.Certificate]] = {}
        self._fetching = asyncio.Lock()

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
        try:
            parts = urlsplit(url)
            origin = (parts.scheme, parts.hostname, parts.port)
        except ValueError:
            return False
        if parts.geturl() != url:  # such as a tab within, which one reader drops and another keeps
            return False
        if not parts.path.startswith(_PATH) or "@" in parts.netloc or _climbs(parts):
            return False
        if self._simulator is not None:
            return origin == (
                self._simulator.scheme,
                self._simulator.hostname,
                self._simulator.port,
            )
        return parts.scheme == "https" and parts.netloc in _HOSTS

    async def _chain(self, url: str) -> list[x509.Certificate] | None:
        async with self._fetching:
            if url not in self._chains:
                fetched = await self._fetch(url)
                if fetched is None:
                    return None
                if len(self._chains) >= _MOST_KEPT:
                    self._chains.clear()
                self._chains[url] = fetched
            return self._chains[url]

    async def _fetch(self, url: str) -> list[x509.Certificate] | None:
        try:
            async with self._http.stream("GET", url, follow_redirects=False) as response:
                if response.status_code != httpx.codes.OK:
                    return None
                content = b""
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > _MOST_BYTES:
                        return None
            return x509.load_pem_x509_certificates(content)
        except (httpx.HTTPError, ValueError):
            return None

    def _is_valid(self, chain: list[x509.Certificate], now: datetime) -> bool:
        verifier = PolicyBuilder().store(self._store).time(now).build_server_verifier(_SUBJECT)
        try:
            verifier.verify(chain[0], chain[1:])
        except VerificationError:
            return False
        return True


def _climbs(parts: SplitResult) -> bool:
    """Tell whether the path could lead elsewhere, or carries more than a path."""
    return (
        bool(
            parts.query
            or parts.fragment
            or set(parts.path.split("/")) & {".", ".."}
            or "%" in parts.path
        )
        or "\\" in parts.path
    )
