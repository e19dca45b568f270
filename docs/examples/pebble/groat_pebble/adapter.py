"""Pebble, a provider with a small REST API: one account."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx

from groat.kernel.money import Money
from groat.merchants.domain.credentials import CredentialFields
from groat.providers import port, reading
from groat.providers.domain import facts
from groat.providers.domain.facts import Report
from groat.providers.domain.failures import FailureCode

_REASONS = {"no_funds": FailureCode.INSUFFICIENT_FUNDS, "stolen": FailureCode.LOST_OR_STOLEN}


class Refund(reading.Payload):
    """A refund of a payment. Amounts are in minor units, like ours."""

    id: str
    reference: str
    amount: int


class Payment(reading.Payload):
    """A payment with its refunds."""

    id: str
    reference: str
    status: Literal["authorized", "captured", "canceled", "declined"]
    reason: str | None
    amount: int
    currency: str
    refunds: list[Refund]

    def reports(self) -> tuple[Report, ...]:
        """Return the reports about the payment and its refunds."""
        ours = reading.own_payment_id(self.reference)
        told = [Report(ours, self.id, self._fact())]
        for one in self.refunds:
            refunded = facts.Refunded(one.id, Money(one.amount, self.currency))
            refund_id = reading.own_refund_id(one.reference)
            told.append(Report(ours, self.id, refunded, refund_id, self.id))
        return tuple(told)

    def _fact(self) -> facts.PaymentFact:
        match self.status:
            case "authorized":
                return facts.Authorized(self.id, Money(self.amount, self.currency), None)
            case "captured":
                return facts.Captured(self.id, Money(self.amount, self.currency))
            case "canceled":
                return facts.Canceled()
            case "declined":
                return facts.Declined(_REASONS.get(self.reason or "", FailureCode.DO_NOT_HONOR))


class Event(reading.Payload):
    """A webhook, with the payment that it reports."""

    id: reading.EventText
    type: reading.EventText
    payment: Payment

    def envelope(self) -> port.Envelope:
        """Return the id and the type of the event."""
        return port.Envelope(self.id, self.type)

    def reports(self) -> tuple[Report, ...]:
        """Return the reports in the event."""
        return self.payment.reports()


class PebbleApi:
    """The ``Operations`` and the ``Lookups`` of an account."""

    keeps_keys_for = timedelta(hours=23)
    captures_once = True

    def __init__(self, http: httpx.AsyncClient, timeout_seconds: float) -> None:
        self._http = http
        self._timeout_seconds = timeout_seconds

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        return None if payment_method else "A Pebble payment needs a payment_method, a token."

    async def authorize(self, request: port.AuthorizeRequest) -> port.Reply:
        body = {
            "token": request.payment_method,
            "amount": request.amount.amount,
            "currency": request.amount.currency,
            "capture": request.capture,
            "reference": port.payment_reference(request.payment_id),
        }
        return await self._call("POST", "/payments", request, json=body)

    async def capture(self, request: port.CaptureRequest) -> port.Reply:
        path = f"/payments/{request.authorization_reference}/capture"
        return await self._call("POST", path, request, json={"amount": request.amount.amount})

    async def cancel(self, request: port.CancelRequest) -> port.Reply:
        path = f"/payments/{request.provider_reference}/cancel"
        return await self._call("POST", path, request)

    async def refund(self, request: port.RefundRequest) -> port.Reply:
        ours = port.refund_reference(request.refund_id)
        body = {"amount": request.amount.amount, "reference": ours}
        path = f"/payments/{request.capture_reference}/refunds"
        return await self._call("POST", path, request, json=body)

    async def fetch(self, request: port.OperationRequest) -> port.Reply:
        ours = {"reference": port.payment_reference(request.payment_id)}
        return await self._call("GET", "/payments", request, params=ours)

    async def fetch_capture(self, reference: str) -> port.NotOurs:
        return port.FOREIGN  # our payments have our reference in every event

    async def _call(
        self, method: str, path: str, request: port.OperationRequest, **content: Any
    ) -> port.Reply:
        key = {"idempotency-key": request.idempotency_key}
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._http.request(method, path, headers=key, **content)
        except reading.NEVER_SENT as error:
            return reading.unreachable(error)
        except (httpx.HTTPError, TimeoutError) as error:
            return port.Unknown(type(error).__name__)
        return _reply(answer, request)


class PebbleWebhooks:
    """The ``Webhooks`` of an account."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    async def verify(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> port.Rejection | None:
        given = headers.get("pebble-signature", "").encode()
        right = [hmac.digest(one.encode(), body, "sha256").hex().encode() for one in self._secrets]
        if any(hmac.compare_digest(one, given) for one in right):
            return None
        return port.Rejection.SIGNATURE_MISMATCH if given else port.Rejection.SIGNATURE_MISSING

    def envelope(self, headers: Mapping[str, str], body: bytes) -> port.Envelope | port.Rejection:
        return reading.read_envelope(lambda: reading.parse(Event, body).envelope())

    def read(self, event_type: str, body: bytes) -> port.Answered | port.Unreadable:
        return reading.read_event(lambda: reading.parse(Event, body).reports())

    async def interpret(self, event_type: str, body: bytes) -> port.Reply | port.Unreadable:
        return self.read(event_type, body)


class PebbleProvider(port.Provider):
    """The ``Provider`` for an account at Pebble. It has no list of events."""

    credential_fields = CredentialFields(
        frozenset({"api_key"}), frozenset({"webhook_secret", "api_base"})
    )

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=credentials.get("api_base") or "https://api.pebble.example",
            headers={"authorization": f"Bearer {credentials['api_key']}"},
            timeout=reading.bounded(timeout_seconds),
            limits=reading.NO_QUEUE,
        )
        self.operations = self.lookups = PebbleApi(self._http, timeout_seconds)
        self.webhooks = PebbleWebhooks(reading.active_values(credentials.get("webhook_secret")))

    async def close(self) -> None:
        await self._http.aclose()


def _reply(answer: httpx.Response, request: port.OperationRequest) -> port.Reply:
    """Return the reply for an HTTP answer: not sent, refused, unknown, or the reports in it."""
    match answer.status_code:
        case 401:
            return facts.NotSent(FailureCode.CREDENTIALS_REFUSED, "status 401")
        case 429:
            return facts.NotSent(FailureCode.RATE_LIMITED, "status 429")
        case 400 | 404 | 422:
            return port.Answered(reading.refusal(request, FailureCode.REJECTED_BY_PROVIDER))
        case 200:
            return reading.read(lambda: _reports(answer.content, request))
        case status:
            return port.Unknown(f"status {status}")


def _reports(body: bytes, request: port.OperationRequest) -> tuple[Report, ...]:
    """Return the reports of the payments in an answer; for a refund, only that refund's."""
    payments = reading.parse(list[Payment], body)
    told = [report for payment in payments for report in payment.reports()]
    wanted = request.refund_id if isinstance(request, port.RefundRequest) else None
    return tuple(report for report in told if wanted in {None, report.refund_id})
