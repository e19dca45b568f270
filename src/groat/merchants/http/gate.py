"""Authenticate API calls by a merchant's API key, sent as a bearer token (RFC 6750)."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import GroatError, TooManyRequests
from groat.merchants.domain.credentials import invalid_api_key
from groat.merchants.service.api_keys import ApiKeyService
from groat.platform.http.problems import problem_of
from groat.platform.redis.rates import RateLimits

_API = "/v1/"


class Gate:
    """ASGI middleware that authenticates each API call before it reads the body.

    It also limits the rate of each key. The headers ``RateLimit-Policy`` and ``RateLimit`` tell the
    limit and the rest (draft-ietf-httpapi-ratelimit-headers-10).
    """

    def __init__(self, app: ASGIApp, keys: ApiKeyService, rates: RateLimits) -> None:
        self._app = app
        self._keys = keys
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate a request below ``/v1/``, and pass any other request through."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        try:
            caller = scope["state"]["caller"] = await self._caller(scope)
        except GroatError as error:
            await problem_of(error)(scope, receive, send)
            return
        allowed, left = await self._rates.take(caller.actor)
        limit = self._rates.limit
        window = limit.most // limit.per_second
        told = [
            (b"ratelimit-policy", b'"key";q=%d;w=%d' % (limit.most, window)),
            (b"ratelimit", b'"key";r=%d;t=%d' % (left, window)),
        ]

        async def send_with_limit(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        app = self._app if allowed else _too_many(limit.per_second)
        await app(scope, receive, send_with_limit)

    async def _caller(self, scope: Scope) -> Caller:
        scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise invalid_api_key()
        found = await self._keys.authenticate(key.strip())
        request_id: str = scope["state"]["request_id"]
        actor = ids.render("api_key", found.key_id)
        return Caller(found.merchant_id, actor, request_id, found.scopes)


def _too_many(per_second: int) -> ASGIApp:
    return problem_of(
        TooManyRequests(
            "rate_limited",
            f"The API key sends more than its {per_second} requests per second. Wait a second.",
        )
    )
