"""The stand-in for ``api-m.paypal.com``: routes, credentials and idempotency."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel.clock import Clock
from groat.simulator.control import Control
from groat.simulator.idempotency import KeptAnswers, KeyInUseError
from groat.simulator.paypal import objects
from groat.simulator.paypal.account import Account
from groat.simulator.paypal.errors import PayPalError, TokenError, in_progress, invalid, not_found
from groat.simulator.paypal.requests import (
    OrderRequest,
    VerificationRequest,
    WebhookRequest,
    parse,
)
from groat.simulator.paypal.tokens import Tokens
from groat.simulator.paypal.vault import INSTRUMENT_DECLINED
from groat.simulator.wire import Answer, answer

Handler = Callable[[Request], Awaitable[Answer]]

REQUEST_ID_LIFETIME = timedelta(hours=6)
"""How long the Orders API keeps its answers. Source: PayPal, "Idempotency"."""

_PEM = "application/x-pem-file"


def create_paypal_app(clock: Clock) -> Starlette:
    """Return the stand-in, with an account that has seen nothing yet and new certificates.

    It learns its own address, which is part of its links and of every delivery, from the ``Host``
    header of the request that makes an order.
    """
    account = Account(clock)
    api = _Api(account, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await account.courier.aclose()

    control = Control(account.books, account.courier)
    return Starlette(routes=[*control.routes(), *api.routes()], lifespan=lifespan)


class _Api:
    def __init__(self, account: Account, clock: Clock) -> None:
        self._account = account
        self._tokens = Tokens(clock)
        self._kept = KeptAnswers(clock, REQUEST_ID_LIFETIME)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/v2/checkout/orders", self.create_order),
            ("GET", "/v2/checkout/orders/{id}", self.show_order),
            ("GET", "/v2/payments/captures/{id}", self.show_capture),
            ("POST", "/v1/notifications/webhooks", self.create_webhook),
            ("GET", "/v1/notifications/webhooks", self.list_webhooks),
            ("GET", "/v1/notifications/webhooks/{id}", self.show_webhook),
            ("DELETE", "/v1/notifications/webhooks/{id}", self.delete_webhook),
            ("POST", "/v1/notifications/verify-webhook-signature", self.verify_signature),
        ]
        methods = ["GET", "POST", "DELETE", "PATCH"]
        return [
            Route("/v1/oauth2/token", self.issue_token, methods=["POST"]),
            Route("/v1/notifications/certs/{id}", self.show_certificates),
            Route("/_simulator/root.pem", self.show_root),
            *(
                Route(path, partial(self._serve, handler), methods=[method])
                for method, path, handler in table
            ),
            Route("/{rest:path}", partial(self._serve, self.unknown), methods=methods),
        ]

    async def issue_token(self, request: Request) -> Response:
        form = (await request.body()).decode(errors="replace")
        try:
            reply = answer(200, self._tokens.issue(_authorization(request), form))
        except TokenError as refusal:
            reply = refusal.answer()
        return _response(reply, _debug_id())

    async def show_certificates(self, request: Request) -> Response:
        identity = self._account.identity
        if request.path_params["id"] != identity.id:
            debug_id = _debug_id()
            return _response(not_found().answer(debug_id), debug_id)
        return Response(identity.chain_pem, media_type=_PEM)

    async def show_root(self, _: Request) -> Response:
        return Response(self._account.identity.root_pem, media_type=_PEM)

    async def create_order(self, request: Request) -> Answer:
        if "PayPal-Request-Id" not in request.headers:
            raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "A PayPal-Request-Id is required.")
        order = self._account.pay(parse(OrderRequest, await request.body()), _host(request))
        if order is None:
            refusal = PayPalError(422, "UNPROCESSABLE_ENTITY", INSTRUMENT_DECLINED)
            return refusal.answer(request.state.debug_id)
        return answer(201, objects.order_object(order, _host(request)))

    async def show_order(self, request: Request) -> Answer:
        order = self._account.orders.get(request.path_params["id"])
        if order is None:
            raise not_found()
        return answer(200, objects.order_object(order, _host(request)))

    async def show_capture(self, request: Request) -> Answer:
        capture = self._account.captures.get(request.path_params["id"])
        if capture is None:
            raise not_found()
        return answer(200, objects.capture_object(capture, _host(request)))

    async def create_webhook(self, request: Request) -> Answer:
        webhook = self._account.add_webhook(parse(WebhookRequest, await request.body()))
        return answer(201, objects.webhook_object(webhook, _host(request)))

    async def list_webhooks(self, request: Request) -> Answer:
        host = _host(request)
        webhooks = [
            objects.webhook_object(known, host) for known in self._account.webhooks.values()
        ]
        return answer(200, {"webhooks": webhooks})

    async def show_webhook(self, request: Request) -> Answer:
        webhook = self._account.webhooks.get(request.path_params["id"])
        if webhook is None:
            raise not_found()
        return answer(200, objects.webhook_object(webhook, _host(request)))

    async def delete_webhook(self, request: Request) -> Answer:
        if self._account.webhooks.pop(request.path_params["id"], None) is None:
            raise not_found()
        return Answer(204, b"")

    async def verify_signature(self, request: Request) -> Answer:
        delivery = parse(VerificationRequest, await request.body())
        verdict = "SUCCESS" if self._account.signed(delivery) else "FAILURE"
        return answer(200, {"verification_status": verdict})

    async def unknown(self, _: Request) -> Answer:
        raise not_found()

    async def _serve(self, handler: Handler, request: Request) -> Response:
        """Respond, or do what the fault plan has for a POST."""
        if request.method != "POST":
            return await self._respond(handler, request)
        faults = self._account.courier.faults
        return faults.before() or faults.after(await self._respond(handler, request))

    async def _respond(self, handler: Handler, request: Request) -> Response:
        request.state.debug_id = _debug_id()
        try:
            self._tokens.require(_authorization(request))
            reply = await self._perform(handler, request)
        except PayPalError as refusal:
            reply = refusal.answer(request.state.debug_id)
        return _response(reply, request.state.debug_id)

    async def _perform(self, handler: Handler, request: Request) -> Answer:
        """Let ``handler`` work: once for each request id where there is one.

        Unlike Stripe, PayPal does not compare what comes again with what came first.
        """
        if request.method != "POST":
            return await handler(request)
        work = partial(self._work, handler, request)
        request_id = request.headers.get("PayPal-Request-Id")
        if request_id is None:
            return await work()
        try:
            return await self._kept.once(f"{request.url.path} {request_id}", None, work)
        except KeyInUseError:
            raise in_progress() from None

    async def _work(self, handler: Handler, request: Request) -> Answer:
        reply = await handler(request)
        faults = self._account.courier.faults
        await faults.hold_answer()
        return faults.kept(reply)


def _response(reply: Answer, debug_id: str) -> Response:
    headers = {"PayPal-Debug-Id": debug_id}
    media_type = "application/json" if reply.body else None
    return Response(reply.body, reply.status, headers, media_type)


def _debug_id() -> str:
    return uuid.uuid4().hex[:13]


def _authorization(request: Request) -> str:
    return request.headers.get("Authorization", "")


def _host(request: Request) -> str:
    return str(request.base_url).rstrip("/")
