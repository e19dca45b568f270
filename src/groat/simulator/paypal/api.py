"""The HTTP routes of orders, authorizations, captures, refunds and disputes."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.paypal import objects
from groat.simulator.paypal.account import PayPalAccount
from groat.simulator.paypal.errors import invalid
from groat.simulator.paypal.model import PayPalAuthorization
from groat.simulator.paypal.orders import InstrumentDeclinedError
from groat.simulator.paypal.requests import (
    CaptureAuthorizationBody,
    CompletionRequest,
    Intent,
    OrderRequest,
    ReauthorizeBody,
    RefundCaptureBody,
    parse,
)
from groat.simulator.paypal.web import Table, find, host_of
from groat.simulator.wire import Answer, JsonObject, answer


class PaymentsApi:
    """The routes of PayPal's Orders v2, Payments v2 and Disputes v1."""

    def __init__(self, account: PayPalAccount) -> None:
        self._account = account
        self._records = account.records

    def table(self) -> Table:
        """Return the routes."""
        return [
            ("POST", "/v2/checkout/orders", self.create_order),
            ("GET", "/v2/checkout/orders/{id}", self.show_order),
            ("POST", "/v2/checkout/orders/{id}/capture", self.capture_order),
            ("POST", "/v2/checkout/orders/{id}/authorize", self.authorize_order),
            ("GET", "/v2/payments/authorizations/{id}", self.show_authorization),
            ("POST", "/v2/payments/authorizations/{id}/capture", self.capture_authorization),
            ("POST", "/v2/payments/authorizations/{id}/reauthorize", self.reauthorize),
            ("POST", "/v2/payments/authorizations/{id}/void", self.void_authorization),
            ("GET", "/v2/payments/captures/{id}", self.show_capture),
            ("POST", "/v2/payments/captures/{id}/refund", self.refund_capture),
            ("GET", "/v2/payments/refunds/{id}", self.show_refund),
            ("GET", "/v1/customer/disputes", self.list_disputes),
            ("GET", "/v1/customer/disputes/{id}", self.show_dispute),
        ]

    async def create_order(self, request: Request) -> Answer:
        """Create an order."""
        wanted, host = parse(OrderRequest, await request.body()), host_of(request)
        if wanted.vault_id is not None and "PayPal-Request-Id" not in request.headers:
            raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "A PayPal-Request-Id is required.")
        try:
            order = self._account.orders.create(wanted, host)
        except InstrumentDeclinedError as refusal:
            return refusal.answer(request.state.debug_id)
        return _made(request, objects.order_object(order, self._records, host))

    async def show_order(self, request: Request) -> Answer:
        """Answer with an order and its payments."""
        order = find(self._records.orders, request)
        return answer(200, objects.order_object(order, self._records, host_of(request)))

    async def capture_order(self, request: Request) -> Answer:
        """Capture an approved order."""
        return await self._complete(request, "CAPTURE")

    async def authorize_order(self, request: Request) -> Answer:
        """Authorize an approved order."""
        return await self._complete(request, "AUTHORIZE")

    async def show_authorization(self, request: Request) -> Answer:
        """Answer with an authorization."""
        return self._authorization(find(self._records.authorizations, request), request)

    async def capture_authorization(self, request: Request) -> Answer:
        """Capture the authorized amount, or a part of it."""
        authorization = find(self._records.authorizations, request)
        wanted = parse(CaptureAuthorizationBody, await request.body())
        capture = self._account.payments.capture(authorization, wanted)
        order = self._records.orders[capture.order_id]
        return _made(request, objects.capture_object(capture, order, host_of(request)))

    async def reauthorize(self, request: Request) -> Answer:
        """Make a new authorization of the same order."""
        authorization = find(self._records.authorizations, request)
        wanted = parse(ReauthorizeBody, await request.body())
        renewed = self._account.payments.reauthorize(authorization, wanted)
        order = self._records.orders[renewed.order_id]
        return _made(request, objects.authorization_object(renewed, order, host_of(request)))

    async def void_authorization(self, request: Request) -> Answer:
        """Void an authorization."""
        authorization = find(self._records.authorizations, request)
        voided = self._account.payments.void(authorization)
        if not _is_wanted_whole(request):
            return Answer(204, b"")
        return self._authorization(voided, request)

    async def show_capture(self, request: Request) -> Answer:
        """Answer with a capture."""
        capture = find(self._records.captures, request)
        order = self._records.orders[capture.order_id]
        return answer(200, objects.capture_object(capture, order, host_of(request)))

    async def refund_capture(self, request: Request) -> Answer:
        """Refund the captured amount, or a part of it."""
        capture = find(self._records.captures, request)
        wanted = parse(RefundCaptureBody, await request.body())
        refund = self._account.refunds.refund(capture, wanted)
        return _made(request, objects.refund_object(refund, self._records, host_of(request)))

    async def show_refund(self, request: Request) -> Answer:
        """Answer with a refund or a reversal."""
        refund = find(self._records.refunds, request)
        return answer(200, objects.refund_object(refund, self._records, host_of(request)))

    async def list_disputes(self, request: Request) -> Answer:
        """Answer with summaries of all disputes, or of the disputes of one transaction."""
        wanted = self._account.disputes.of_capture(
            request.query_params.get("disputed_transaction_id")
        )
        host = host_of(request)
        items = [objects.dispute_summary(dispute, host) for dispute in wanted]
        return answer(200, {"items": items})

    async def show_dispute(self, request: Request) -> Answer:
        """Answer with all details of a dispute."""
        dispute = find(self._records.disputes, request)
        return answer(200, objects.dispute_object(dispute, self._records, host_of(request)))

    async def _complete(self, request: Request, intent: Intent) -> Answer:
        order = find(self._records.orders, request)
        parse(CompletionRequest, await request.body())
        try:
            completed = self._account.orders.complete(order, intent)
        except InstrumentDeclinedError as refusal:
            return refusal.answer(request.state.debug_id)
        return _made(request, objects.order_object(completed, self._records, host_of(request)))

    def _authorization(self, authorization: PayPalAuthorization, request: Request) -> Answer:
        order = self._records.orders[authorization.order_id]
        shown = objects.authorization_object(authorization, order, host_of(request))
        return answer(200, shown)


def _made(request: Request, thing: JsonObject) -> Answer:
    """Answer with a new object, in full only if the client asks for a full representation."""
    if _is_wanted_whole(request):
        return answer(201, thing)
    return answer(201, {name: thing[name] for name in ("id", "status", "links")})


def _is_wanted_whole(request: Request) -> bool:
    return request.headers.get("Prefer") == "return=representation"
