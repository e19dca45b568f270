"""Get objects of PayPal, and translate them to reports. The callers limit the time."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from groat.kernel.clock import Clock
from groat.providers.domain.facts import NotSent, Report
from groat.providers.paypal import events, translation
from groat.providers.paypal.client import PayPalClient, Response
from groat.providers.paypal.disputes import dispute_reports
from groat.providers.paypal.events import Subject
from groat.providers.paypal.payloads import (
    AuthorizationPayload,
    CapturePayload,
    DisputeList,
    OrderPayload,
    PayPalDisputePayload,
    PayPalRefundPayload,
)
from groat.providers.port import Answered, EventPage, Reply, Unknown
from groat.providers.reading import Malformed, Payload, parse, read

ORDERS = "/v2/checkout/orders"
AUTHORIZATIONS = "/v2/payments/authorizations"
CAPTURES = "/v2/payments/captures"
REFUNDS = "/v2/payments/refunds"
DISPUTES = "/v1/customer/disputes"
EVENTS = "/v1/notifications/webhooks-events"

Read = TypeVar("Read", bound=Payload)


def path(kind: str, reference: str) -> str:
    """Return the path of one object of a ``kind``. It escapes every character of the reference."""
    return f"{kind}/{quote(reference, safe='')}"


class PayPalObjects:
    """Get orders, authorizations, captures, refunds, disputes and events from PayPal."""

    def __init__(self, client: PayPalClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def order_reports(self, order: OrderPayload) -> tuple[Report, ...]:
        """Return the reports of an order at the present time."""
        return translation.order_reports(order, self._clock.now())

    def authorization_reports(self, authorization: AuthorizationPayload) -> tuple[Report, ...]:
        """Return the reports of an authorization at the present time."""
        return translation.authorization_reports(authorization, self._clock.now())

    async def order(self, order_id: str) -> OrderPayload | NotSent | Unknown | None:
        """Return an order, None if PayPal does not know it or no longer knows it."""
        answer = await self._client.call("GET", path(ORDERS, order_id))
        if not isinstance(answer, Response):
            return answer
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return _parsed(OrderPayload, answer, order_id)

    async def subject(self, subject: Subject, subject_id: str) -> Reply:
        """Look up the subject of an event, and return its reports at the present time."""
        match subject:
            case "order":
                return await self._reply(ORDERS, subject_id, OrderPayload, self.order_reports)
            case "authorization":
                return await self._reply(
                    AUTHORIZATIONS, subject_id, AuthorizationPayload, self.authorization_reports
                )
            case "capture":
                return await self._reply(
                    CAPTURES, subject_id, CapturePayload, translation.capture_reports
                )
            case "refund":
                return await self._reply(
                    REFUNDS, subject_id, PayPalRefundPayload, translation.refund_reports
                )
            case "dispute":
                return await self._reply(
                    DISPUTES, subject_id, PayPalDisputePayload, dispute_reports
                )
            case "reversal":
                return await self._reversal(subject_id)

    async def capture(self, capture_id: str) -> CapturePayload | NotSent | Unknown | None:
        """Return a capture, None if PayPal does not know it."""
        answer = await self._client.call("GET", path(CAPTURES, capture_id))
        if not isinstance(answer, Response):
            return answer
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return _parsed(CapturePayload, answer, capture_id)

    async def events(self, query: str) -> EventPage | Unknown:
        """Return the page of PayPal's list of events that ``query`` selects."""
        answer = await self._client.call("GET", f"{EVENTS}?{query}")
        if not isinstance(answer, Response):
            return Unknown(answer.reason)
        if not answer.ok:
            return Unknown(f"list of events: status {answer.status}")
        try:
            return events.listed_events(answer.body)
        except (ValueError, RecursionError) as error:
            return Unknown(f"unreadable: {type(error).__name__} in the list of events")

    async def _reversal(self, refund_id: str) -> Reply:
        """Return the reports of the disputes of a reversed capture, none if it has none.

        Only the row of a reversal in the transaction search moves money, so a reversal has no
        report of its own.
        """
        reversal = await self._get(path(REFUNDS, refund_id), PayPalRefundPayload)
        if not isinstance(reversal, PayPalRefundPayload):
            return reversal
        capture_id = translation.refunded_capture(reversal)
        if capture_id is None:
            return Unknown(f"reversal {refund_id}: it names no capture")
        listed = await self._get(
            f"{DISPUTES}?disputed_transaction_id={quote(capture_id, safe='')}", DisputeList
        )
        if not isinstance(listed, DisputeList):
            return listed
        reports: tuple[Report, ...] = ()
        for item in listed.items:
            reply = await self.subject("dispute", item.dispute_id)
            if not isinstance(reply, Answered):
                return reply
            reports += reply.reports
        return Answered(reports)

    async def _reply(
        self,
        kind: str,
        reference: str,
        model: type[Read],
        reports: Callable[[Read], tuple[Report, ...]],
    ) -> Reply:
        found = await self._get(path(kind, reference), model)
        if isinstance(found, NotSent | Unknown):
            return found
        return read(lambda: reports(found))

    async def _get(self, address: str, model: type[Read]) -> Read | NotSent | Unknown:
        answer = await self._client.call("GET", address)
        return _parsed(model, answer, address) if isinstance(answer, Response) else answer


def _parsed(model: type[Read], answer: Response, subject: str) -> Read | Unknown:
    if not answer.ok:
        return Unknown(f"{subject}: status {answer.status}")
    try:
        return parse(model, answer.body)
    except Malformed as error:
        return Unknown(f"unreadable: {error}")
