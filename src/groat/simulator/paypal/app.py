"""The simulator of ``api-m.paypal.com``: routes, credentials and idempotency."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel.clock import Clock
from groat.simulator.back_office import BackOffice
from groat.simulator.calls import CallFault, CallFaults, Kinds, asks_for_fault
from groat.simulator.control import Control
from groat.simulator.idempotency import KeptAnswers, KeyInUseError
from groat.simulator.overview import Overview
from groat.simulator.paypal.account import PayPalAccount
from groat.simulator.paypal.actions import PayPalActions
from groat.simulator.paypal.api import PaymentsApi
from groat.simulator.paypal.checkout import CheckoutPages
from groat.simulator.paypal.errors import PayPalError, TokenError, in_progress, invalid, not_found
from groat.simulator.paypal.files import ReportFiles
from groat.simulator.paypal.lies import told_wrong
from groat.simulator.paypal.notifications import NotificationsApi
from groat.simulator.paypal.reporting import ReportingApi
from groat.simulator.paypal.requests import OrderRequest, parse
from groat.simulator.paypal.summaries import source
from groat.simulator.paypal.tokens import Tokens
from groat.simulator.paypal.web import Handler
from groat.simulator.wire import Answer, answer

ORDERS_LIFETIME = timedelta(hours=6)
"""Time for which the Orders API stores an answer. Source: PayPal, "Idempotency"."""

PAYMENTS_LIFETIME = timedelta(days=45)
"""Time for which the Payments API stores an answer."""

REQUEST_ID_LENGTH_MAX = 108
"""Maximum characters of a request id. Source: PayPal, Orders v2, ``PayPal-Request-Id``."""

_KINDS: Kinds = {
    "payments": re.compile(r"/v2/checkout/orders(/[^/]+/(authorize|capture))?"),
    "captures": re.compile(r"/v2/payments/authorizations/[^/]+/capture"),
    "cancellations": re.compile(r"/v2/payments/authorizations/[^/]+/void"),
    "refunds": re.compile(r"/v2/payments/captures/[^/]+/refund"),
}
_PEM = "application/x-pem-file"


def create_paypal_app(clock: Clock) -> Starlette:
    """Return the simulator with a new, empty account and new certificates.

    Its links and deliveries contain its own address. It takes the address from the ``Host`` header
    of the request that creates an order.
    """
    account = PayPalAccount(clock)
    front = _Front(account, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await account.post.courier.aclose()

    control = Control(account.books, account.post.courier, account.triggers())
    actions = PayPalActions(account).table()
    office = BackOffice(account.books, account.statement.settings, actions)
    overview, pages = Overview(source(account.records), control), CheckoutPages(account)
    files = ReportFiles(account.statement, clock)
    parts = (control, office, files, overview, pages, front)
    return Starlette(routes=[route for part in parts for route in part.routes()], lifespan=lifespan)


class _Front:
    """Checks tokens and request ids, and causes faults, before it calls a handler."""

    def __init__(self, account: PayPalAccount, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._faults = CallFaults(account.post.courier, _KINDS)
        self._tokens = Tokens(clock)
        self._kept_orders = KeptAnswers(clock, ORDERS_LIFETIME)
        self._kept_payments = KeptAnswers(clock, PAYMENTS_LIFETIME)

    def routes(self) -> list[Route]:
        tables = [
            PaymentsApi(self._account).table(),
            NotificationsApi(self._account.post).table(),
            ReportingApi(self._account, self._clock).table(),
        ]
        methods = ["GET", "POST", "DELETE", "PATCH"]
        return [
            Route("/v1/oauth2/token", self.issue_token, methods=["POST"]),
            Route("/v1/notifications/certs/{id}", self.show_certificates),
            Route("/_simulator/root.pem", self.show_root),
            *(
                Route(path, partial(self._serve, handler), methods=[method])
                for table in tables
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
        identity = self._account.post.identity
        if request.path_params["id"] != identity.id:
            debug_id = _debug_id()
            return _response(not_found().answer(debug_id), debug_id)
        return Response(identity.chain_pem, media_type=_PEM)

    async def show_root(self, _: Request) -> Response:
        return Response(self._account.post.identity.root_pem, media_type=_PEM)

    async def unknown(self, _: Request) -> Answer:
        raise not_found()

    async def _serve(self, handler: Handler, request: Request) -> Response:
        """Respond to a request, with a fault if one is due for this POST."""
        if request.method != "POST":
            return await self._respond(handler, request)
        fault = request.state.fault = self._faults.of(
            request.url.path,
            request.headers.get("PayPal-Request-Id"),
            await _payment_method(request),
        )
        return fault.before() or fault.after(await self._respond(handler, request))

    async def _respond(self, handler: Handler, request: Request) -> Response:
        request.state.debug_id = _debug_id()
        try:
            self._tokens.require(_authorization(request))
            reply = await self._perform(handler, request)
        except PayPalError as refusal:
            reply = refusal.answer(request.state.debug_id)
        return _response(reply, request.state.debug_id)

    async def _perform(self, handler: Handler, request: Request) -> Answer:
        """Call ``handler``, but only once for each request id.

        Unlike Stripe, PayPal does not compare a repeated request with the first one. It repeats the
        stored answer of the request id, even for a different request. A repeated answer has the
        status 200 instead of 201.
        """
        if request.method != "POST":
            return await handler(request)
        work = partial(self._work, handler, request)
        request_id = request.headers.get("PayPal-Request-Id")
        if request_id is None:
            return await work()
        if len(request_id) > REQUEST_ID_LENGTH_MAX:
            raise invalid("INVALID_STRING_MAX_LENGTH", "The PayPal-Request-Id is too long.")
        of_payments = request.url.path.startswith("/v2/payments/")
        kept = self._kept_payments if of_payments else self._kept_orders
        try:
            reply = await kept.once(request_id, None, work)
        except KeyInUseError:
            raise in_progress() from None
        was_created = reply.replayed and reply.status == HTTPStatus.CREATED
        return replace(reply, status=HTTPStatus.OK) if was_created else reply

    async def _work(self, handler: Handler, request: Request) -> Answer:
        reply = await handler(request)
        fault: CallFault = request.state.fault
        return await fault.kept(reply, told_wrong)


async def _payment_method(request: Request) -> str:
    """Return the vaulted payment method of an order if it may name a fault, else an empty text."""
    if not asks_for_fault(await request.body()):
        return ""
    try:
        return parse(OrderRequest, await request.body()).vault_id or ""
    except PayPalError:
        return ""


def _response(reply: Answer, debug_id: str) -> Response:
    headers = {"PayPal-Debug-Id": debug_id}
    media_type = "application/json" if reply.body else None
    return Response(reply.body, reply.status, headers, media_type)


def _debug_id() -> str:
    return uuid.uuid4().hex[:13]


def _authorization(request: Request) -> str:
    return request.headers.get("Authorization", "")
