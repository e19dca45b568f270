"""``/webhooks/{merchant}/{provider account}``: where providers deliver. Raw bytes, no framework."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.inbox.service.receiver import WebhookReceiver
from groat.kernel import ids
from groat.kernel.errors import GroatError, NotFound
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.platform.http.bodies import read_bytes
from groat.platform.http.problems import (
    internal_error,
    problem,
    problem_of,
)

_log = structlog.get_logger(__name__)

_PREFIX = "/webhooks/"
_START: Message = {
    "type": "http.response.start",
    "status": HTTPStatus.OK,
    "headers": [(b"content-length", b"0")],
}
_END: Message = {"type": "http.response.body"}


class WebhookDoor:
    """An ASGI application that takes deliveries itself, and hands everything else on.

    It stands before the framework, whose layers cost a delivery as much as its signature does.
    """

    def __init__(self, app: ASGIApp, receiver: WebhookReceiver) -> None:
        self._app = app
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
        elif scope["method"] != "POST":
            answer = problem(405, "method_not_allowed", "Webhooks are posted.")
            answer.headers["allow"] = "POST"
            await answer(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._take(scope, receive)
        except GroatError as error:
            await problem_of(error)(scope, receive, send)
        except ClientDisconnect:
            return  # it will deliver again
        except Exception as error:  # noqa: BLE001 - as the framework does for the rest
            _log.error("delivery_failed", exc_info=error)
            await internal_error()(scope, receive, send)
        else:
            await send(_START)
            await send(_END)

    async def _take(self, scope: Scope, receive: Receive) -> None:
        merchant_id, account_id = _addressee(scope["path"])
        provider = await self._receiver.provider(merchant_id, account_id)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        body = await read_bytes(receive, headers.get("content-length", ""))
        await self._receiver.receive(provider, merchant_id, account_id, headers, body)


@lru_cache(maxsize=4096)
def _addressee(path: str) -> tuple[MerchantId, ProviderAccountId]:
    """Return whose account a path names.

    Raises:
        NotFound: it names none.
    """
    try:
        merchant, account = path.removeprefix(_PREFIX).split("/")
    except ValueError:
        raise NotFound("not_found", "There is nothing at this address.") from None
    return ids.parse_merchant(merchant), ProviderAccountId(ids.parse("provider_account", account))
