"""Make the calls of operations at PayPal, and translate the answers to reports."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from groat.kernel.errors import InvalidRequest
from groat.platform.http.strict_json import Json
from groat.providers.domain.facts import (
    Approved,
    Canceled,
    Captured,
    Declined,
    Expired,
    NotSent,
    Report,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal import bodies, translation
from groat.providers.paypal.client import PayPalClient, Response
from groat.providers.paypal.lookups import KEEPS_KEYS_FOR, PayPalLookups
from groat.providers.paypal.objects import (
    AUTHORIZATIONS,
    CAPTURES,
    ORDERS,
    PayPalObjects,
    path,
)
from groat.providers.paypal.payloads import (
    AuthorizationPayload,
    CapturePayload,
    OrderPayload,
    PayPalRefundPayload,
    ProblemPayload,
)
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    OperationRequest,
    RefundRequest,
    Reply,
    Unknown,
)
from groat.providers.reading import Malformed, parse, read, refusal

_WAITING = frozenset({"CREATED", "PAYER_ACTION_REQUIRED", "SAVED", "VOIDED"})
"""Statuses of an order that took no money, and takes none unless the adapter completes it."""

_ALREADY_COMPLETED = frozenset({"ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_CAPTURED"})
"""Issues with which PayPal refuses to complete an order a second time."""


class PayPalOperations:
    """The ``Operations`` of a PayPal account."""

    keeps_keys_for = KEEPS_KEYS_FOR
    captures_once = False

    def __init__(
        self, client: PayPalClient, objects: PayPalObjects, lookups: PayPalLookups
    ) -> None:
        self._client = client
        self._objects = objects
        self._lookups = lookups

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        """Return a sentence for the caller if PayPal cannot use this payment method, else None."""
        try:
            bodies.payment_source(payment_method, return_url)
        except InvalidRequest as error:
            return error.message
        return None

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Create an order, or complete the order of an earlier try.

        PayPal completes an order with a saved payment method at once. If the payer has to approve
        the order first, a second call completes it afterwards.
        """
        if request.provider_reference is None:
            return await self._client.in_time(self._create(request))
        return await self._client.in_time(self._complete(request, request.provider_reference))

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture an authorization, or a part of it."""
        return await self._client.in_time(self._capture(request))

    async def cancel(self, request: CancelRequest) -> Reply:
        """Void an authorization, or abandon an order that waits for its payer.

        PayPal needs no call to abandon an order: the engine never completes it, and PayPal drops it
        after some hours. An order that its payer has approved can no longer be canceled, because
        another process may be completing it at this moment.
        """
        if request.authorization_reference is None:
            return await self._client.in_time(self._abandon(request))
        return await self._client.in_time(self._void(request, request.authorization_reference))

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a capture, or a part of it."""
        return await self._client.in_time(self._refund(request))

    async def _create(self, request: AuthorizeRequest) -> Reply:
        """Create an order. PayPal completes it at once if it is paid with a saved method."""
        answer = await self._post(ORDERS, request, lambda: bodies.order(request))
        return _reply(answer, request, self._order_reports)

    async def _complete(self, request: AuthorizeRequest, order_id: str) -> Reply:
        """Complete an order that its payer has approved. Report any other order as it is."""
        order = await self._objects.order(order_id)
        if isinstance(order, NotSent | Unknown):
            return order
        if order is None:
            return translation.forgotten(request, order_id)
        if order.status != "APPROVED":
            return read(lambda: translation.addressed(self._objects.order_reports(order), request))
        action = "capture" if request.capture else "authorize"
        # The operation's own key created the order, so its completion needs another.
        key = f"{request.idempotency_key}-complete"
        answer = await self._client.call(
            "POST", f"{path(ORDERS, order_id)}/{action}", json={}, key=key
        )
        if isinstance(answer, Response) and not _ALREADY_COMPLETED.isdisjoint(_issues(answer)):
            return await self._lookups.of_order(request, order_id)
        return _reply(answer, request, self._order_reports)

    async def _capture(self, request: CaptureRequest) -> Reply:
        """Capture an authorization, or a part of it."""
        address = f"{path(AUTHORIZATIONS, request.authorization_reference)}/capture"
        answer = await self._post(address, request, lambda: bodies.capture(request))
        reply = _reply(answer, request, self._capture_reports)
        return await self._actual_end(request, reply) if _is_unprocessable(answer) else reply

    async def _abandon(self, request: CancelRequest) -> Reply:
        """Report an order that waits for its payer as canceled, and refuse to cancel any other.

        The refusal comes with the reports of the order, such as its captures.
        """
        order = await self._objects.order(request.provider_reference)
        if isinstance(order, NotSent | Unknown):
            return Unknown(order.reason)
        if order is None or order.status in _WAITING:
            report = Report(request.payment_id, request.provider_reference, Canceled())
            return Answered((report,))
        reply = read(lambda: self._objects.order_reports(order))
        if not isinstance(reply, Answered):
            return reply
        refused = refusal(request, FailureCode.REJECTED_BY_PROVIDER)
        done = [
            report for report in reply.reports if not isinstance(report.fact, Approved | Declined)
        ]
        return Answered((*translation.addressed(tuple(done), request), *refused))

    async def _void(self, request: CancelRequest, authorization_id: str) -> Reply:
        """Void an authorization."""
        address = f"{path(AUTHORIZATIONS, authorization_id)}/void"
        answer = await self._client.call("POST", address, key=request.idempotency_key)
        reply = _reply(answer, request, self._void_reports)
        return await self._actual_end(request, reply) if _is_unprocessable(answer) else reply

    async def _refund(self, request: RefundRequest) -> Reply:
        """Refund a capture, or a part of it."""
        address = f"{path(CAPTURES, request.capture_reference)}/refund"
        answer = await self._post(address, request, lambda: bodies.refund(request))
        return _reply(answer, request, self._refund_reports)

    async def _actual_end(self, request: CaptureRequest | CancelRequest, refused: Reply) -> Reply:
        """Look up the order of an authorization that PayPal refused to capture or void.

        Report its captures first. If the authorization was canceled or has expired, report that
        end, else the refusal.
        """
        order = await self._objects.order(request.provider_reference)
        if order is None or not isinstance(refused, Answered):
            return refused
        if isinstance(order, NotSent | Unknown):
            return Unknown(f"refused, then the look-up failed: {order.reason}")
        reply = read(lambda: self._objects.order_reports(order))
        if not isinstance(reply, Answered):
            return reply
        ended = [report for report in reply.reports if isinstance(report.fact, Canceled | Expired)]
        taken = [report for report in reply.reports if isinstance(report.fact, Captured)]
        return Answered(
            (*translation.addressed(tuple(taken), request), *(ended or refused.reports))
        )

    async def _post(
        self, address: str, request: OperationRequest, body: Callable[[], Json]
    ) -> Response | NotSent | Unknown | Answered:
        """Make the call of an operation, or refuse it if its body cannot be built.

        For example, PayPal does not take 10.50 HUF.
        """
        try:
            json = body()
        except InvalidRequest:
            return _refused(request, FailureCode.METHOD_NOT_SUPPORTED)
        return await self._client.call("POST", address, json=json, key=request.idempotency_key)

    def _order_reports(self, body: bytes) -> tuple[Report, ...]:
        return self._objects.order_reports(parse(OrderPayload, body))

    def _capture_reports(self, body: bytes) -> tuple[Report, ...]:
        return translation.capture_reports(parse(CapturePayload, body))

    def _void_reports(self, body: bytes) -> tuple[Report, ...]:
        return self._objects.authorization_reports(parse(AuthorizationPayload, body))

    def _refund_reports(self, body: bytes) -> tuple[Report, ...]:
        return translation.refund_reports(parse(PayPalRefundPayload, body))


def _reply(
    answer: Response | NotSent | Unknown | Answered,
    request: OperationRequest,
    reports: Callable[[bytes], tuple[Report, ...]],
) -> Reply:
    """Translate the answer to an operation's call to a reply."""
    if not isinstance(answer, Response):
        return answer
    if answer.ok:
        return read(lambda: translation.addressed(reports(answer.body), request))
    return read(lambda: translation.refused(parse(ProblemPayload, answer.body), request))


def _refused(request: OperationRequest, code: FailureCode) -> Answered:
    return Answered(refusal(request, code))


def _issues(answer: Response) -> list[str]:
    """Return the issues of a refusal. A success or an unreadable answer has none."""
    if answer.ok:
        return []
    try:
        return parse(ProblemPayload, answer.body).issues()
    except Malformed:
        return []


def _is_unprocessable(answer: object) -> bool:
    return isinstance(answer, Response) and answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
