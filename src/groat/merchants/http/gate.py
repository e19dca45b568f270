"""Authenticate API calls by a merchant's API key, sent as a bearer token (RFC 6750)."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import GroatError
from groat.merchants.domain.credentials import invalid_api_key
from groat.merchants.service.api_keys import ApiKeyService
from groat.platform.http.problems import problem_of

_API = "/v1/"


class Gate:
    """ASGI middleware that authenticates each API call before it reads the body."""

    def __init__(self, app: ASGIApp, keys: ApiKeyService) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate a request below ``/v1/``, and pass any other request through."""
        if scope["type"] == "http" and scope["path"].startswith(_API):
            try:
                scope["state"]["caller"] = await self._caller(scope)
            except GroatError as error:
                await problem_of(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise invalid_api_key()
        found = await self._keys.authenticate(key.strip())
        request_id: str = scope["state"]["request_id"]
        actor = ids.render("api_key", found.key_id)
        return Caller(found.merchant_id, actor, request_id, found.scopes)
