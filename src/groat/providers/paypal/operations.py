"""Operations at PayPal: what is called for each, and what the answers come to."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import RefundId
from groat.kernel.value import replace
from groat.platform.http.strict_json import Json
from groat.providers.domain.facts import (
    Approved,
    Canceled,
    Captured,
    Declined,
    Expired,
    FeeCharged,
    NotSent,
    Refunded,
    RefundFailed,
    Report,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal import bodies, translation
from groat.providers.paypal.client import PayPalClient, Response
from groat.providers.paypal.lookups import AUTHORIZATIONS, CAPTURES, ORDERS, Lookups, path
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
"""Where an order is of which nothing was taken, and nothing will be unless we complete it."""

_ALREADY_COMPLETED = frozenset({"ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_CAPTURED"})


class Operations:
    """Makes the calls of operations. The caller limits the time that one may take."""

    def __init__(self, client: PayPalClient, lookups: Lookups) -> None:
        self._client = client
        self._lookups = lookups

    async def create(self, request: AuthorizeRequest) -> Reply:
        """Make an order."""
        answer = await self._post(ORDERS, request, lambda: bodies.order(request))
        return _reply(answer, request, self._order_reports)

    async def go_on(self, request: AuthorizeRequest, order_id: str) -> Reply:
        """Complete an order that its payer has approved; of another, return what it says."""
        order = await self._lookups.order(order_id)
        if isinstance(order, NotSent | Unknown):
            return order
        if order is None:
            return _forgotten(request, order_id)
        if order.status != "APPROVED":
            return read(lambda: _addressed(self._lookups.order_reports(order), request))
        action = "capture" if request.capture else "authorize"
        # The order was made with the key itself, so its completion needs another.
        key = f"{request.idempotency_key}-complete"
        answer = await self._client.call(
            "POST", f"{path(ORDERS, order_id)}/{action}", json={}, key=key
        )
        if isinstance(answer, Response) and not _ALREADY_COMPLETED.isdisjoint(_issues(answer)):
            return await self.fetch(request, order_id)
        return _reply(answer, request, self._order_reports)

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture an authorization."""
        address = f"{path(AUTHORIZATIONS, request.authorization_reference)}/capture"
        answer = await self._post(address, request, lambda: bodies.capture(request))
        reply = _reply(answer, request, self._capture_reports)
        return await self._instead(request, reply) if _is_unprocessable(answer) else reply

    async def give_up(self, request: CancelRequest) -> Reply:
        """Leave an order to itself that waits for its payer; of another, say what came of it."""
        order = await self._lookups.order(request.provider_reference)
        if isinstance(order, NotSent | Unknown):
            return Unknown(order.reason)
        if order is None or order.status in _WAITING:
            report = Report(request.payment_id, request.provider_reference, Canceled())
            return Answered((report,))
        told = read(lambda: self._lookups.order_reports(order))
        if not isinstance(told, Answered):
            return told
        no = refusal(request, FailureCode.REJECTED_BY_PROVIDER)
        done = [one for one in told.reports if not isinstance(one.fact, Approved | Declined)]
        return Answered((*_addressed(tuple(done), request), *no))

    async def void(self, request: CancelRequest, authorization_id: str) -> Reply:
        """Void an authorization."""
        address = f"{path(AUTHORIZATIONS, authorization_id)}/void"
        answer = await self._client.call("POST", address, key=request.idempotency_key)
        reply = _reply(answer, request, self._void_reports)
        return await self._instead(request, reply) if _is_unprocessable(answer) else reply

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a capture."""
        address = f"{path(CAPTURES, request.capture_reference)}/refund"
        answer = await self._post(address, request, lambda: bodies.refund(request))
        return _reply(answer, request, self._refund_reports)

    async def fetch(self, request: OperationRequest, order_id: str) -> Reply:
        """Look an operation's order up."""
        order = await self._lookups.order(order_id)
        if isinstance(order, NotSent | Unknown):
            # That a look-up was not sent says nothing of the call that it asks about.
            return Unknown(order.reason)
        if order is None and isinstance(request, AuthorizeRequest):
            return _forgotten(request, order_id)
        if order is None:
            return Answered(())
        if not isinstance(request, AuthorizeRequest):
            order = translation.without_other_declines(order, request.idempotency_key)
        told = read(lambda: self._lookups.order_reports(order))
        if not isinstance(told, Answered):
            return told
        if isinstance(request, RefundRequest):
            return Answered(_of_refund(told.reports, request))
        return Answered(_addressed(told.reports, request))

    async def _instead(self, request: CaptureRequest | CancelRequest, no: Reply) -> Reply:
        """Return why an authorization did not let itself be captured or voided.

        It has ended in another way, which the order tells, or else ``no`` is the answer, after the
        captures that there are.
        """
        order = await self._lookups.order(request.provider_reference)
        if order is None or not isinstance(no, Answered):
            return no
        if isinstance(order, NotSent | Unknown):
            return Unknown(f"refused, and then: {order.reason}")
        told = read(lambda: self._lookups.order_reports(order))
        if not isinstance(told, Answered):
            return told
        ended = [one for one in told.reports if isinstance(one.fact, Canceled | Expired)]
        taken = [one for one in told.reports if isinstance(one.fact, Captured | FeeCharged)]
        return Answered((*_addressed(tuple(taken), request), *(ended or no.reports)))

    async def _post(
        self, address: str, request: OperationRequest, body: Callable[[], Json]
    ) -> Response | NotSent | Unknown | Answered:
        """Make a call of an operation, unless PayPal cannot be told its amount."""
        try:
            json = body()
        except InvalidRequest:
            return _refused(request, FailureCode.METHOD_NOT_SUPPORTED)
        return await self._client.call("POST", address, json=json, key=request.idempotency_key)

    def _order_reports(self, body: bytes) -> tuple[Report, ...]:
        return self._lookups.order_reports(parse(OrderPayload, body))

    def _capture_reports(self, body: bytes) -> tuple[Report, ...]:
        return translation.capture_reports(parse(CapturePayload, body))

    def _void_reports(self, body: bytes) -> tuple[Report, ...]:
        return self._lookups.authorization_reports(parse(AuthorizationPayload, body))

    def _refund_reports(self, body: bytes) -> tuple[Report, ...]:
        return translation.refund_reports(parse(PayPalRefundPayload, body))


def _reply(
    answer: Response | NotSent | Unknown | Answered,
    request: OperationRequest,
    reports: Callable[[bytes], tuple[Report, ...]],
) -> Reply:
    """Return what an operation's call came to."""
    if not isinstance(answer, Response):
        return answer
    if answer.ok:
        return read(lambda: _addressed(reports(answer.body), request))
    return read(
        lambda: refusal(request, translation.refusal_code(parse(ProblemPayload, answer.body)))
    )


def _forgotten(request: AuthorizeRequest, order_id: str) -> Answered:
    """Return what is true of an order that PayPal knows no more: nobody has paid it in time.

    Source: developer.paypal.com, Orders v2, ``order.links``: the payer has 6 hours to approve, and
    we have 6 more to complete; then the order is gone.
    """
    return Answered((Report(request.payment_id, order_id, Expired()),))


def _refused(request: OperationRequest, code: FailureCode) -> Answered:
    return Answered(refusal(request, code))


def _addressed(reports: tuple[Report, ...], request: OperationRequest) -> tuple[Report, ...]:
    """Return what was reported of an operation, with the ids that the reports leave out."""
    return tuple(
        replace(
            report,
            payment_id=report.payment_id or request.payment_id,
            provider_reference=report.provider_reference or request.provider_reference,
            refund_id=report.refund_id or _refund_id(report, request),
        )
        for report in reports
    )


def _refund_id(report: Report, request: OperationRequest) -> RefundId | None:
    of_refund = isinstance(report.fact, Refunded | RefundFailed)
    return request.refund_id if of_refund and isinstance(request, RefundRequest) else None


def _of_refund(reports: tuple[Report, ...], request: RefundRequest) -> tuple[Report, ...]:
    return tuple(report for report in reports if report.refund_id == request.refund_id)


def _issues(answer: Response) -> list[str]:
    """Return why PayPal refused, nothing if it did not or does not say so readably."""
    if answer.ok:
        return []
    try:
        return parse(ProblemPayload, answer.body).issues()
    except Malformed:
        return []


def _is_unprocessable(answer: object) -> bool:
    return isinstance(answer, Response) and answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
