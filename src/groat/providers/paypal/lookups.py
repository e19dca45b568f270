"""Look up operations and captures at PayPal."""

from __future__ import annotations

from datetime import datetime, timedelta

from groat.kernel.clock import Clock
from groat.providers.domain.facts import NotSent
from groat.providers.paypal import events, translation
from groat.providers.paypal.client import PayPalClient
from groat.providers.paypal.objects import PayPalObjects
from groat.providers.port import (
    FOREIGN,
    Answered,
    AuthorizeRequest,
    NotOurs,
    OperationRequest,
    RefundRequest,
    Reply,
    Unknown,
    payment_reference,
)
from groat.providers.reading import own_or_foreign, read

KEEPS_KEYS_FOR = timedelta(hours=5, minutes=30)
"""Half an hour less than the Orders API remembers keys. The Payments API remembers them longer
(developer.paypal.com, "Idempotency")."""

_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""Maximum time by which PayPal's clock may be behind PostgreSQL's."""
_EVENTS_COME_WITHIN = timedelta(hours=1)
"""Time after the last call with an operation's key in which PayPal lists events of its order."""


class PayPalLookups:
    """The ``Lookups`` of a PayPal account."""

    def __init__(self, client: PayPalClient, objects: PayPalObjects, clock: Clock) -> None:
        self._client = client
        self._objects = objects
        self._clock = clock

    async def fetch(self, request: OperationRequest) -> Reply:
        """Look up the order of an operation. For a refund, report that refund alone.

        PayPal cannot search orders by Groat's reference. If a call returned no order id, the
        engine repeats it with the same key. Once PayPal has forgotten the key, this method searches
        PayPal's list of events.
        """
        if request.provider_reference is None:
            return await self._client.in_time(self._find(request))
        return await self._client.in_time(self.of_order(request, request.provider_reference))

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Look up the capture at PayPal. It carries the id of Groat's payment."""
        found = await self._client.in_time(self._objects.capture(reference))
        if found is None:
            return FOREIGN
        if isinstance(found, NotSent | Unknown):
            return Unknown(found.reason)
        return own_or_foreign(read(lambda: translation.capture_reports(found)))

    async def of_order(self, request: OperationRequest, order_id: str) -> Reply:
        """Look up an operation by its order. The caller must limit the time."""
        order = await self._objects.order(order_id)
        if isinstance(order, NotSent | Unknown):
            # A look-up that was not sent proves nothing about the operation.
            return Unknown(order.reason)
        if order is None and isinstance(request, AuthorizeRequest):
            return translation.forgotten(request, order_id)
        if order is None:
            return Answered(())
        if not isinstance(request, AuthorizeRequest):
            order = translation.without_other_declines(order, request.idempotency_key)
        reply = read(lambda: self._objects.order_reports(order))
        if not isinstance(reply, Answered):
            return reply
        if isinstance(request, RefundRequest):
            return Answered(translation.of_refund(reply.reports, request))
        return Answered(translation.addressed(reply.reports, request))

    async def _find(self, request: OperationRequest) -> Reply:
        """Search the list of events for an order whose creation was not answered.

        Do so only once PayPal has forgotten the operation's key. Until then the engine repeats the
        call.
        """
        if not isinstance(request, AuthorizeRequest):
            return Answered(())
        begun_at = request.begun_at
        if begun_at is None or self._clock.now() < begun_at + KEEPS_KEYS_FOR:
            return Answered(())
        until = begun_at + KEEPS_KEYS_FOR + _EVENTS_COME_WITHIN
        found = await self._order_told_of(request, begun_at - _CLOCKS_DIFFER_BY, until)
        if isinstance(found, Unknown):
            return found
        return Answered(()) if found is None else await self.of_order(request, found)

    async def _order_told_of(
        self, request: AuthorizeRequest, since: datetime, until: datetime
    ) -> str | Unknown | None:
        """Search the events from ``since`` to ``until`` for the order of an attempt.

        Return None if no event names it.
        """
        payment_ref = payment_reference(request.payment_id)
        query: str | None = events.first_page(since, until)
        while query is not None:
            page = await self._objects.events(query)
            if isinstance(page, Unknown):
                return page
            named = (
                events.order_of(payment_ref, request.operation_id, event.body)
                for event in page.events
            )
            order_id = next(filter(None, named), None)
            if order_id is not None:
                return order_id
            query = None if page.next_cursor is None else events.further_page(page.next_cursor)
        return None
