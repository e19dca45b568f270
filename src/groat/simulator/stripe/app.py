"""The stand-in for ``api.stripe.com``: routes, credentials and idempotency."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import islice

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel.clock import Clock
from groat.simulator.control import Control
from groat.simulator.idempotency import KeptAnswers, KeyInUseError, KeyReusedError
from groat.simulator.references import stripe_id
from groat.simulator.stripe import objects
from groat.simulator.stripe.account import Account
from groat.simulator.stripe.errors import (
    StripeError,
    invalid_request,
    key_in_use,
    key_reused,
    no_such,
)
from groat.simulator.stripe.form import decode
from groat.simulator.stripe.model import Cause, Charge, Event
from groat.simulator.stripe.queries import metadata_search, one_page
from groat.simulator.stripe.requests import (
    Page,
    PageOfCharges,
    PageOfEvents,
    PaymentIntentRequest,
    Search,
    WebhookEndpointRequest,
    parse,
)
from groat.simulator.wire import Answer, JsonObject, answer

Handler = Callable[[Request], Awaitable[Answer]]

KEY_LIFETIME = timedelta(hours=24)
KEY_LENGTH_MAX = 255


def create_stripe_app(clock: Clock) -> Starlette:
    """Return the stand-in, with an account that has seen nothing yet."""
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
        self._kept = KeptAnswers(clock, KEY_LIFETIME)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/v1/payment_intents", self.create_payment_intent),
            ("GET", "/v1/payment_intents", self.list_payment_intents),
            ("GET", "/v1/payment_intents/search", self.search_payment_intents),
            ("GET", "/v1/payment_intents/{id}", self.show_payment_intent),
            ("GET", "/v1/charges", self.list_charges),
            ("GET", "/v1/charges/{id}", self.show_charge),
            ("GET", "/v1/events", self.list_events),
            ("GET", "/v1/events/{id}", self.show_event),
            ("POST", "/v1/webhook_endpoints", self.create_webhook_endpoint),
            ("GET", "/v1/webhook_endpoints", self.list_webhook_endpoints),
            ("GET", "/v1/webhook_endpoints/{id}", self.show_webhook_endpoint),
            ("DELETE", "/v1/webhook_endpoints/{id}", self.delete_webhook_endpoint),
        ]
        routes = [
            Route(path, partial(self._serve, handler), methods=[method])
            for method, path, handler in table
        ]
        methods = ["GET", "POST", "DELETE"]
        anything = Route("/{rest:path}", partial(self._serve, self.unknown), methods=methods)
        return [*routes, anything]

    async def create_payment_intent(self, request: Request) -> Answer:
        wanted = parse(PaymentIntentRequest, await _text(request))
        charge = self._account.pay(wanted, _cause(request))
        intent = self._account.render_intent(charge.intent)
        if charge.paid:
            return answer(200, intent)
        return answer(402, objects.decline_reply(intent, charge))

    async def show_payment_intent(self, request: Request) -> Answer:
        intent = self._account.intents.get(request.path_params["id"])
        if intent is None:
            raise no_such("payment_intent", request.path_params["id"], param="intent")
        return answer(200, self._account.render_intent(intent))

    async def list_payment_intents(self, request: Request) -> Answer:
        page = parse(Page, request.url.query)
        intents, more = one_page(self._account.intents, page, lambda _: True)
        return _listed(request, list(map(self._account.render_intent, intents)), has_more=more)

    async def search_payment_intents(self, request: Request) -> Answer:
        search = parse(Search, request.url.query)
        newest_first = reversed(self._account.intents.values())
        found = filter(metadata_search(search.query), newest_first)
        intents = list(islice(found, search.page, search.page + search.limit + 1))
        more = len(intents) > search.limit
        page: JsonObject = {
            "object": "search_result",
            "url": request.url.path,
            "has_more": more,
            "next_page": str(search.page + search.limit) if more else None,
            "data": list(map(self._account.render_intent, intents[: search.limit])),
        }
        return answer(200, page)

    async def show_charge(self, request: Request) -> Answer:
        charge = self._account.charges.get(request.path_params["id"])
        if charge is None:
            raise no_such("charge", request.path_params["id"], param="id")
        return answer(200, objects.charge_object(charge))

    async def list_charges(self, request: Request) -> Answer:
        page = parse(PageOfCharges, request.url.query)

        def wanted(charge: Charge) -> bool:
            return page.payment_intent in {None, charge.intent.id}

        charges, more = one_page(self._account.charges, page, wanted)
        return _listed(request, list(map(objects.charge_object, charges)), has_more=more)

    async def show_event(self, request: Request) -> Answer:
        event = self._account.events.get(request.path_params["id"])
        if event is None:
            raise no_such("event", request.path_params["id"], param="id")
        return answer(200, self._account.render_event(event))

    async def list_events(self, request: Request) -> Answer:
        page = parse(PageOfEvents, request.url.query)
        since = page.created.gte if page.created else 0

        def wanted(event: Event) -> bool:
            return page.type in {None, event.type} and event.created >= since

        events, more = one_page(self._account.events, page, wanted)
        return _listed(request, list(map(self._account.render_event, events)), has_more=more)

    async def create_webhook_endpoint(self, request: Request) -> Answer:
        endpoint = self._account.add_endpoint(parse(WebhookEndpointRequest, await _text(request)))
        return answer(200, {**objects.webhook_endpoint(endpoint), "secret": endpoint.secret})

    async def list_webhook_endpoints(self, request: Request) -> Answer:
        page = parse(Page, request.url.query)
        endpoints, more = one_page(self._account.endpoints, page, lambda _: True)
        return _listed(request, list(map(objects.webhook_endpoint, endpoints)), has_more=more)

    async def show_webhook_endpoint(self, request: Request) -> Answer:
        endpoint = self._account.endpoints.get(request.path_params["id"])
        if endpoint is None:
            raise no_such("webhook endpoint", request.path_params["id"], param="id")
        return answer(200, objects.webhook_endpoint(endpoint))

    async def delete_webhook_endpoint(self, request: Request) -> Answer:
        endpoint_id = request.path_params["id"]
        if self._account.endpoints.pop(endpoint_id, None) is None:
            raise no_such("webhook endpoint", endpoint_id, param="id")
        return answer(200, {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True})

    async def unknown(self, request: Request) -> Answer:
        where = f"{request.method}: {request.url.path}"
        raise invalid_request(f"Unrecognized request URL ({where}).", status=404)

    async def _serve(self, handler: Handler, request: Request) -> Response:
        """Respond, or do what the fault plan has for a POST."""
        if request.method != "POST":
            return await self._respond(handler, request)
        faults = self._account.courier.faults
        return faults.before() or faults.after(await self._respond(handler, request))

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
        """Let ``handler`` work: once for each key where the request has one."""
        if request.method != "POST":
            return await handler(request)
        work = partial(self._work, handler, request)
        key = _idempotency_key(request)
        if key is None:
            return await work()
        same = (request.url.path, decode(await _text(request)))
        try:
            return await self._kept.once(key, same, work)
        except KeyInUseError:
            raise key_in_use(key) from None
        except KeyReusedError:
            raise key_reused(key) from None

    async def _work(self, handler: Handler, request: Request) -> Answer:
        reply = await handler(request)
        faults = self._account.courier.faults
        await faults.hold_answer()
        return faults.kept(reply)


def _listed(request: Request, data: list[JsonObject], *, has_more: bool) -> Answer:
    return answer(200, objects.list_object(request.url.path, data, has_more=has_more))


def _cause(request: Request) -> Cause:
    return Cause(request.state.id, _idempotency_key(request))


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise invalid_request(f"An idempotency key has 1 to {KEY_LENGTH_MAX} characters.")
    return key


async def _text(request: Request) -> str:
    return (await request.body()).decode(errors="replace")


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
