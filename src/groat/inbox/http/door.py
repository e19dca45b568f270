"""``/webhooks/{merchant}/{provider account}``: the address to which providers deliver events.

It is a separate ASGI application on raw bytes. The layers of the framework would cost a delivery
as much time as the check of its signature.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from groat.inbox.service.receiver import WebhookReceiver
from groat.kernel import ids
from groat.kernel.errors import GroatError, NotFound
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.platform.http.bodies import read_bytes
from groat.platform.http.middleware import RequestIds
from groat.platform.http.problems import internal_error, problem_of, problem_of_framework
from groat.platform.process.metrics import DELIVERIES

_log = structlog.get_logger(__name__)

WEBHOOK_PREFIX = "/webhooks/"
"""Prefix of the paths that this application serves."""

_START: Message = {
    "type": "http.response.start",
    "status": HTTPStatus.OK,
    "headers": [(b"content-length", b"0")],
}
_END: Message = {"type": "http.response.body"}


class WebhookDoor:
    """An ASGI application that receives webhook deliveries.

    Only a failed delivery gets a request id, for its log lines and its answer. A successful
    delivery is counted and writes no log line.
    """

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery."""
        try:
            await self._take(scope, receive)
        except ClientDisconnect:
            return  # without an answer, the provider delivers again
        except Exception as error:  # noqa: BLE001 - every failure is answered
            await _refuse(error, scope, receive, send)
        else:
            DELIVERIES.labels("accepted").inc()
            await send(_START)
            await send(_END)

    async def _take(self, scope: Scope, receive: Receive) -> None:
        if scope["method"] != "POST":
            raise HTTPException(
                HTTPStatus.METHOD_NOT_ALLOWED, "Use POST to deliver a webhook.", {"allow": "POST"}
            )
        merchant_id, account_id = _addressee(scope["path"])
        provider = await self._receiver.provider(merchant_id, account_id)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        body = await read_bytes(receive, headers.get("content-length", ""))
        await self._receiver.receive(provider, merchant_id, account_id, headers, body)


async def _refuse(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Log the failure of a delivery, and answer it with a problem document."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        match error:
            case HTTPException():
                response = problem_of_framework(error)
            case GroatError():
                DELIVERIES.labels(error.code).inc()
                _log.warning("webhook_rejected", reason=error.code)
                response = problem_of(error)
            case _:
                DELIVERIES.labels("internal_error").inc()
                _log.error("delivery_failed", exc_info=error)
                response = internal_error()
        await response(scope, receive, send)

    await RequestIds(answer)(scope, receive, send)


@lru_cache(maxsize=4096)
def _addressee(path: str) -> tuple[MerchantId, ProviderAccountId]:
    """Return the merchant and the provider account in a path.

    Raises:
        NotFound: the path has no valid merchant and provider account.
    """
    try:
        merchant, account = path.removeprefix(WEBHOOK_PREFIX).split("/")
    except ValueError:
        raise NotFound("not_found", "Nothing is served at this address.") from None
    return ids.parse_merchant(merchant), ProviderAccountId(ids.parse("provider_account", account))
