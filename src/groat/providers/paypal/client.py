"""The client of PayPal's REST API: get an access token, make a call, and classify its answer."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Annotated, TypeVar

import httpx
from msgspec import Meta

from groat.kernel.value import Value
from groat.platform.http.strict_json import Json
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Unknown
from groat.providers.reading import (
    NEVER_SENT,
    NO_QUEUE,
    Malformed,
    Payload,
    bounded,
    parse,
    unreachable,
)

LIVE_API = "https://api-m.paypal.com"

_REFUSALS = frozenset({400, 403, 404, 422})
"""Statuses with which PayPal refuses a call that has no effect."""

_TOKEN_MARGIN_SECONDS = 60
"""Seconds before its expiry from which a token is no longer used."""

Answer = TypeVar("Answer")


def connections(base: str | None, timeout_seconds: float) -> httpx.AsyncClient:
    """Return an HTTP client of PayPal's API, or of a stand-in for it at ``base``."""
    return httpx.AsyncClient(
        base_url=base or LIVE_API,
        timeout=bounded(timeout_seconds),
        limits=NO_QUEUE,
        verify=_trusted(),
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Return the TLS context that all accounts share. To create one takes 30 ms and a megabyte."""
    return httpx.create_ssl_context()


class _Token(Payload):
    access_token: str
    expires_in: Annotated[int, Meta(ge=0)]


class Response(Value):
    """A definite answer: its status and its unparsed body."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether PayPal carried out the call."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class PayPalClient:
    """Make calls to PayPal's API with the credentials of one application."""

    def __init__(
        self, http: httpx.AsyncClient, client_id: str, client_secret: str, *, timeout_seconds: float
    ) -> None:
        self._http = http
        self._timeout_seconds = timeout_seconds
        self._basic = httpx.BasicAuth(client_id, client_secret)
        # A failed sign-in proves that nothing was sent. It must show before the whole call times
        # out, which would leave the outcome unknown.
        self._sign_in_seconds = timeout_seconds / 2
        self._token: tuple[str, float] | None = None
        self._signing_in = asyncio.Lock()

    async def in_time(self, steps: Awaitable[Answer]) -> Answer | Unknown:
        """Await the steps of one method, and return ``Unknown`` if they exceed the time-out.

        A method may make several calls, so the limit of a single call is not enough.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await steps
        except TimeoutError as error:
            return Unknown(type(error).__name__)

    async def call(
        self, method: str, path: str, *, json: Json = None, key: str | None = None
    ) -> Response | NotSent | Unknown:
        """Make one call, and classify its answer.

        PayPal deduplicates calls by ``key``, the ``PayPal-Request-Id``. The caller must limit the
        time of the whole call.
        """
        headers = {"prefer": "return=representation"}
        if key is not None:
            headers["paypal-request-id"] = key
        answer = await self._attempt(method, path, json, headers)
        if isinstance(answer, Response) and answer.status == HTTPStatus.UNAUTHORIZED:
            self._token = None  # PayPal has revoked it before its expiry
            answer = await self._attempt(method, path, json, headers)
        return _sort(answer) if isinstance(answer, Response) else answer

    async def _attempt(
        self, method: str, path: str, json: Json, headers: Mapping[str, str]
    ) -> Response | NotSent | Unknown:
        token = await self._access_token()
        if isinstance(token, NotSent):
            return token
        bearer = {"authorization": f"Bearer {token}"}
        try:
            answer = await self._http.request(
                method, path, json=json, headers={**headers, **bearer}
            )
        except NEVER_SENT as error:
            return unreachable(error)
        except httpx.HTTPError as error:
            return Unknown(type(error).__name__)
        return Response(answer.status_code, answer.content)

    async def _access_token(self) -> str | NotSent:
        """Return a valid token, from the cache or by a sign-in. Without one, nothing is sent."""
        try:
            async with asyncio.timeout(self._sign_in_seconds), self._signing_in:
                if self._token is None or self._token[1] < time.monotonic():
                    self._token = await self._sign_in()
                return self._token[0]
        except httpx.HTTPStatusError as error:
            reason = f"sign-in answered {error.response.status_code}"
            return NotSent(FailureCode.CREDENTIALS_REFUSED, reason)
        except (httpx.HTTPError, TimeoutError, Malformed) as error:
            return unreachable(error)

    async def _sign_in(self) -> tuple[str, float]:
        answer = await self._http.post(
            "/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=self._basic
        )
        token = parse(_Token, answer.raise_for_status().content)
        good_for = max(0, token.expires_in - _TOKEN_MARGIN_SECONDS)
        return token.access_token, time.monotonic() + good_for


def _sort(answer: Response) -> Response | NotSent | Unknown:
    """Return a definite answer as it is, and classify any other status.

    PayPal began nothing if it refused the credentials (401) or takes no more calls (429). Only the
    statuses that PayPal documents as refusals are definite. For example, a 409 means that the first
    call with the key is still running. A 5xx, or a status of a proxy on the way, leaves the outcome
    unknown.
    """
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return NotSent(FailureCode.CREDENTIALS_REFUSED, "status 401")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return NotSent(FailureCode.RATE_LIMITED, "status 429")
        case status if answer.ok or status in _REFUSALS:
            return answer
        case status:
            return Unknown(f"status {status}")
