"""The simulator of ``api.stripe.com``: routes, credentials and idempotency."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel.clock import Clock
from groat.simulator.back_office import BackOffice
from groat.simulator.calls import CallFault, CallFaults, Kinds, asks_for_fault
from groat.simulator.control import Control
from groat.simulator.idempotency import KeptAnswers, KeyInUseError, KeyReusedError
from groat.simulator.overview import Overview
from groat.simulator.references import stripe_id
from groat.simulator.stripe import objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.actions import StripeActions
from groat.simulator.stripe.balance_routes import BalanceRoutes
from groat.simulator.stripe.bank_page import BankPage
from groat.simulator.stripe.connect_routes import ConnectRoutes
from groat.simulator.stripe.disputes import StripeDisputes
from groat.simulator.stripe.errors import (
    KeptRefusal,
    StripeError,
    invalid_request,
    key_in_use,
    key_reused,
)
from groat.simulator.stripe.event_routes import EventRoutes
from groat.simulator.stripe.exchange import Handler, Row, idempotency_key, text
from groat.simulator.stripe.form import decode
from groat.simulator.stripe.intent_routes import IntentRoutes
from groat.simulator.stripe.lies import told_wrong
from groat.simulator.stripe.money_routes import MoneyRoutes
from groat.simulator.stripe.payments import StripePayments
from groat.simulator.stripe.payouts import StripePayouts
from groat.simulator.stripe.refunds import StripeRefunds
from groat.simulator.stripe.report_routes import ReportRoutes
from groat.simulator.stripe.reports import StripeReports
from groat.simulator.stripe.summaries import source
from groat.simulator.stripe.transfers import StripeTransfers
from groat.simulator.stripe.triggers import triggers
from groat.simulator.stripe.wallet import Wallet
from groat.simulator.stripe.wallet_routes import WalletRoutes
from groat.simulator.wire import Answer

KEY_LIFETIME = timedelta(hours=24)
"""Time for which the answer to an idempotency key is stored."""

_KINDS: Kinds = {
    "payments": re.compile(r"/v1/payment_intents(/[^/]+/confirm)?"),
    "captures": re.compile(r"/v1/payment_intents/[^/]+/capture"),
    "cancellations": re.compile(r"/v1/payment_intents/[^/]+/cancel"),
    "refunds": re.compile(r"/v1/refunds"),
}


def create_stripe_app(clock: Clock) -> Starlette:
    """Return the simulator with a new, empty account."""
    account = StripeAccount(clock)
    disputes, refunds = StripeDisputes(account), StripeRefunds(account)
    payouts, transfers = StripePayouts(account), StripeTransfers(account)
    wallet, reports = Wallet(account), StripeReports(account)
    payments = StripePayments(account, disputes, wallet)
    control = Control(
        account.books, account.courier, triggers(account, payments, refunds, disputes)
    )
    actions = StripeActions(account, payouts, refunds, disputes).table()
    office = BackOffice(account.books, account.balance.settings, actions)
    rows = [
        *IntentRoutes(account, payments).rows(),
        *MoneyRoutes(account, refunds, disputes).rows(),
        *BalanceRoutes(account, payouts).rows(),
        *ConnectRoutes(account, transfers).rows(),
        *ReportRoutes(account, reports).rows(),
        *WalletRoutes(account, wallet).rows(),
        *EventRoutes(account).rows(),
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await account.aclose()

    pages = BankPage(account, payments).routes()
    api = _Api(account, clock).routes(rows)
    overview = Overview(source(account), control).routes()
    routes = [*control.routes(), *office.routes(), *overview, *pages, *api]
    return Starlette(routes=routes, lifespan=lifespan)


class _Api:
    """Checks credentials and idempotency keys, and causes faults, before it calls a handler."""

    def __init__(self, account: StripeAccount, clock: Clock) -> None:
        self._faults = CallFaults(account.courier, _KINDS)
        self._kept = KeptAnswers(clock, KEY_LIFETIME)

    def routes(self, rows: Iterable[Row]) -> list[Route]:
        routes = [
            Route(path, partial(self._serve, handler), methods=[method])
            for method, path, handler in rows
        ]
        methods = ["GET", "POST", "DELETE"]
        anything = Route("/{rest:path}", partial(self._serve, _unknown), methods=methods)
        return [*routes, anything]

    async def _serve(self, handler: Handler, request: Request) -> Response:
        """Respond to a request, with a fault if one is due for this POST."""
        if request.method != "POST":
            return await self._respond(handler, request)
        fault = request.state.fault = self._faults.of(
            request.url.path,
            request.headers.get("Idempotency-Key"),
            await _payment_method(request),
        )
        return fault.before() or fault.after(await self._respond(handler, request))

    async def _respond(self, handler: Handler, request: Request) -> Response:
        request.state.id = stripe_id("req")
        try:
            _require_secret_key(request)
            reply = await self._perform(handler, request)
        except StripeError as refusal:
            reply = refusal.answer()
        headers = {"Request-Id": request.state.id, "Stripe-Version": objects.API_VERSION}
        if reply.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(reply.body, reply.status, headers, "application/json")

    async def _perform(self, handler: Handler, request: Request) -> Answer:
        """Call ``handler``, but only once for each idempotency key."""
        if request.method != "POST":
            return await handler(request)
        work = partial(self._work, handler, request)
        key = idempotency_key(request)
        if key is None:
            return await work()
        same = (request.url.path, decode(await text(request)))
        try:
            return await self._kept.once(key, same, work)
        except KeyInUseError:
            raise key_in_use(key) from None
        except KeyReusedError:
            raise key_reused(key) from None

    async def _work(self, handler: Handler, request: Request) -> Answer:
        try:
            reply = await handler(request)
        except KeptRefusal as refused:
            reply = refused.answer()
        fault: CallFault = request.state.fault
        return await fault.kept(reply, told_wrong)


async def _payment_method(request: Request) -> str:
    """Return the payment method in a request if it may name a fault, else an empty text."""
    if not asks_for_fault(await request.body()):
        return ""
    try:
        named = decode(await text(request)).get("payment_method")
    except StripeError:
        return ""
    return named if isinstance(named, str) else ""


async def _unknown(request: Request) -> Answer:
    where = f"{request.method}: {request.url.path}"
    raise invalid_request(f"Unrecognized request URL ({where}).", status=404)


def _require_secret_key(request: Request) -> None:
    """Accept any secret key, as a bearer token or as the user name of Basic authentication."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    key = _user_name(credentials) if scheme == "Basic" else credentials
    if not key:
        raise invalid_request("You did not provide an API key.", status=401)
    if scheme not in {"Basic", "Bearer"} or not key.startswith("sk_"):
        raise invalid_request("Invalid API Key provided.", status=401)


def _user_name(credentials: str) -> str:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text.partition(":")[0]
