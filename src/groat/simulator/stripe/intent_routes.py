"""The HTTP routes of payment intents."""

from __future__ import annotations

from itertools import islice

from starlette.requests import Request

from groat.simulator.stripe import payment_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.errors import invalid_request
from groat.simulator.stripe.exchange import Row, cause, found, listed, shown, text
from groat.simulator.stripe.model import Intent
from groat.simulator.stripe.payments import StripePayments
from groat.simulator.stripe.queries import metadata_search
from groat.simulator.stripe.requests import (
    CancelIntentRequest,
    CaptureIntentRequest,
    ConfirmRequest,
    Expanding,
    PageOfIntents,
    PaymentIntentRequest,
    Search,
    UpdateIntentRequest,
    parse,
)
from groat.simulator.wire import Answer, JsonObject, answer


class IntentRoutes:
    """The routes under ``/v1/payment_intents``."""

    def __init__(self, account: StripeAccount, payments: StripePayments) -> None:
        self._account = account
        self._payments = payments

    def rows(self) -> list[Row]:
        """Return the routes."""
        one = "/v1/payment_intents/{id}"
        return [
            ("POST", "/v1/payment_intents", self.create),
            ("GET", "/v1/payment_intents", self.list),
            ("GET", "/v1/payment_intents/search", self.search),
            ("GET", one, self.show),
            ("POST", one, self.update),
            ("POST", f"{one}/confirm", self.confirm),
            ("POST", f"{one}/capture", self.capture),
            ("POST", f"{one}/cancel", self.cancel),
        ]

    async def create(self, request: Request) -> Answer:
        """Create an intent, and confirm it if the request says so."""
        wanted = parse(PaymentIntentRequest, await text(request))
        return self._attempted(self._payments.create(wanted, cause(request)), wanted)

    async def update(self, request: Request) -> Answer:
        """BalanceChange the parameters of an intent that is not paid yet."""
        intent = self._intent(request)
        wanted = parse(UpdateIntentRequest, await text(request))
        self._payments.update(intent, wanted)
        return shown(self._account, wanted, payment_objects.payment_intent(intent))

    async def confirm(self, request: Request) -> Answer:
        """Confirm an intent."""
        intent = self._intent(request)
        wanted = parse(ConfirmRequest, await text(request))
        self._payments.confirm(intent, wanted, cause(request))
        return self._attempted(intent, wanted)

    async def capture(self, request: Request) -> Answer:
        """Capture the authorized amount of an intent, or a part of it."""
        intent = self._intent(request)
        wanted = parse(CaptureIntentRequest, await text(request))
        self._payments.capture(intent, wanted.amount_to_capture, cause(request))
        return shown(self._account, wanted, payment_objects.payment_intent(intent))

    async def cancel(self, request: Request) -> Answer:
        """Cancel an intent."""
        intent = self._intent(request)
        wanted = parse(CancelIntentRequest, await text(request))
        self._payments.cancel(intent, wanted.cancellation_reason, cause(request))
        return shown(self._account, wanted, payment_objects.payment_intent(intent))

    async def show(self, request: Request) -> Answer:
        """Answer with an intent."""
        wanted = parse(Expanding, request.url.query)
        intent = self._intent(request)
        return shown(self._account, wanted, payment_objects.payment_intent(intent))

    async def list(self, request: Request) -> Answer:
        """Answer with a page of intents."""
        page = parse(PageOfIntents, request.url.query)
        intents, render = self._account.intents, payment_objects.payment_intent

        def wanted(intent: Intent) -> bool:
            return page.created.holds(intent.created)

        return listed(self._account, request, page, intents, wanted, render)

    async def search(self, request: Request) -> Answer:
        """Find intents by one value of their metadata."""
        if self._account.courier.faults.plan.refuse_search:
            raise invalid_request("search feature unavailable")
        search = parse(Search, request.url.query)
        newest_first = reversed(self._account.intents.values())
        matching = filter(metadata_search(search.query), newest_first)
        intents = list(islice(matching, search.page, search.page + search.limit + 1))
        more = len(intents) > search.limit
        page: JsonObject = {
            "object": "search_result",
            "url": request.url.path,
            "has_more": more,
            "next_page": str(search.page + search.limit) if more else None,
            "data": list(map(payment_objects.payment_intent, intents[: search.limit])),
        }
        return shown(self._account, search, page)

    def _intent(self, request: Request) -> Intent:
        return found(self._account.intents, request, "payment_intent", param="intent")

    def _attempted(self, intent: Intent, wanted: Expanding) -> Answer:
        rendered = payment_objects.payment_intent(intent)
        if intent.error is None:
            return shown(self._account, wanted, rendered)
        return answer(402, payment_objects.decline_reply(rendered, intent.error))
