"""Calls to PayPal's REST API: the access token, one bounded call, and what became of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import Field, ValidationError

from groat.platform.strict_json import Json
from groat.providers.port import NotSent, Unknown
from groat.providers.reading import Payload

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_TOKEN_MARGIN_SECONDS = 60


class _Token(Payload):
    access_token: str
    expires_in: int = Field(ge=0)


@dataclass(frozen=True, slots=True)
class Response:
    """A definite answer: a status below 500, and the body as it came."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether PayPal did what it was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class PayPalClient:
    """One application's way into PayPal's API."""

    def __init__(
        self, http: httpx.AsyncClient, client_id: str, client_secret: str, *, timeout_seconds: float
    ) -> None:
        self._http = http
        self._basic = httpx.BasicAuth(client_id, client_secret)
        self._timeout_seconds = timeout_seconds
        self._token: tuple[str, float] | None = None
        self._signing_in = asyncio.Lock()

    async def call(
        self, method: str, path: str, *, json: Json = None, key: str | None = None
    ) -> Response | NotSent | Unknown:
        """Make one call; PayPal deduplicates on ``key``, its ``PayPal-Request-Id``."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                token = await self._access_token()
                if isinstance(token, NotSent):
                    return token
                headers = {"authorization": f"Bearer {token}", "prefer": "return=representation"}
                if key is not None:
                    headers["paypal-request-id"] = key
                answer = await self._http.request(method, path, json=json, headers=headers)
        except _NEVER_SENT as error:
            return NotSent(f"connection: {type(error).__name__}")
        except (httpx.HTTPError, TimeoutError) as error:
            return Unknown(type(error).__name__)
        return self._sort(answer)

    def _sort(self, answer: httpx.Response) -> Response | NotSent | Unknown:
        """429 says that the call was not begun; a 5xx leaves open what it did."""
        match answer.status_code:
            case HTTPStatus.TOO_MANY_REQUESTS:
                return NotSent("rate_limited")
            case HTTPStatus.UNAUTHORIZED:
                self._token = None
                return NotSent("access_token_refused")
            case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
                return Unknown(f"status {status}")
        return Response(answer.status_code, answer.content)

    async def _access_token(self) -> str | NotSent:
        """Return a token that is good for a while yet. Without one, nothing is sent."""
        async with self._signing_in:
            if self._token is None or self._token[1] < time.monotonic():
                try:
                    self._token = await self._sign_in()
                except (httpx.HTTPError, ValidationError) as error:
                    return NotSent(f"no access token: {type(error).__name__}")
            return self._token[0]

    async def _sign_in(self) -> tuple[str, float]:
        answer = await self._http.post(
            "/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=self._basic
        )
        token = _Token.model_validate_json(answer.raise_for_status().content)
        good_for = max(0, token.expires_in - _TOKEN_MARGIN_SECONDS)
        return token.access_token, time.monotonic() + good_for
