"""An adapter that lacks much: Slate has no look-ups and no list of events, and answers by webhook.

It is installed as another author's package would be: see ``install``.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx

from groat.kernel.money import Money
from groat.merchants.domain.credentials import CredentialFields
from groat.providers import port, reading
from groat.providers.domain import facts
from groat.providers.domain.facts import Report
from groat.providers.domain.failures import FailureCode

_REASONS = {"no_funds": FailureCode.INSUFFICIENT_FUNDS}


def install(folder: Path) -> None:
    """Write down that Slate's adapters are installed in ``folder``, as an installer does."""
    metadata = folder / "groat_slate-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: groat-slate\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[groat.providers]\nslate = {__name__}:SlateProvider\nmute = {__name__}:MuteProvider\n"
    )


class Charge(reading.Payload):
    """A charge, in the state that the event reports."""

    id: str
    reference: str
    status: Literal["reserved", "taken", "released", "declined", "disputed"]
    reason: str | None
    amount: int
    currency: str

    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def report(self) -> Report:
        """Return the report of the charge. A dispute names the charge, and no payment of ours."""
        if self.status == "disputed":
            opened = facts.DisputeOpened(f"dispute of {self.id}", self.money())
            return Report(None, None, opened, capture_reference=self.id)
        return Report(reading.own_payment_id(self.reference), self.id, self._fact())

    def _fact(self) -> facts.PaymentFact:
        match self.status:
            case "reserved":
                return facts.Authorized(self.id, self.money(), None)
            case "taken":
                return facts.Captured(self.id, self.money())
            case "released":
                return facts.Canceled()
            case _:
                return facts.Declined(_REASONS.get(self.reason or "", FailureCode.DO_NOT_HONOR))


class Returned(reading.Payload):
    """A refund of a charge."""

    id: str
    reference: str
    amount: int


class Event(reading.Payload):
    """A webhook: a charge, or a refund of it."""

    id: reading.EventText
    type: reading.EventText
    charge: Charge
    refund: Returned | None

    def reports(self) -> tuple[Report, ...]:
        if self.refund is None:
            return (self.charge.report(),)
        ours = reading.own_payment_id(self.charge.reference)
        refunded = facts.Refunded(self.refund.id, Money(self.refund.amount, self.charge.currency))
        refund_id = reading.own_refund_id(self.refund.reference)
        return (Report(ours, self.charge.id, refunded, refund_id, self.charge.id),)


class SlateOperations:
    """Slate acknowledges each call, and reports its outcome by webhook."""

    keeps_keys_for = timedelta(hours=1)
    captures_once = True

    def __init__(self, http: httpx.AsyncClient, timeout_seconds: float) -> None:
        self._http = http
        self._timeout_seconds = timeout_seconds

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:  # noqa: ARG002
        return None if payment_method else "A Slate payment needs a payment_method."

    async def authorize(self, request: port.AuthorizeRequest) -> port.Reply:
        body = {
            "token": request.payment_method,
            "amount": request.amount.amount,
            "currency": request.amount.currency,
            "take": request.capture,
            "reference": port.payment_reference(request.payment_id),
        }
        return await self._post("/charges", request, body)

    async def capture(self, request: port.CaptureRequest) -> port.Reply:
        path = f"/charges/{request.provider_reference}/take"
        return await self._post(path, request, {"amount": request.amount.amount})

    async def cancel(self, request: port.CancelRequest) -> port.Reply:
        return await self._post(f"/charges/{request.provider_reference}/release", request, {})

    async def refund(self, request: port.RefundRequest) -> port.Reply:
        ours = port.refund_reference(request.refund_id)
        body = {"amount": request.amount.amount, "reference": ours}
        return await self._post(f"/charges/{request.capture_reference}/return", request, body)

    async def _post(
        self, path: str, request: port.OperationRequest, body: dict[str, Any]
    ) -> port.Reply:
        key = {"idempotency-key": request.idempotency_key}
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._http.post(path, json=body, headers=key)
        except reading.NEVER_SENT as error:
            return reading.unreachable(error)
        except (httpx.HTTPError, TimeoutError) as error:
            return port.Unknown(type(error).__name__)
        return _reply(answer, request)


def _reply(answer: httpx.Response, request: port.OperationRequest) -> port.Reply:
    match answer.status_code:
        case 202 if isinstance(request, port.AuthorizeRequest):
            return port.Answered((Report(request.payment_id, answer.text, facts.Processing()),))
        case 202:
            return port.Answered(())
        case 401 | 429 as status:
            refused = {401: FailureCode.CREDENTIALS_REFUSED, 429: FailureCode.RATE_LIMITED}
            return facts.NotSent(refused[status], f"status {status}")
        case 422:
            return port.Answered(reading.refusal(request, FailureCode.REJECTED_BY_PROVIDER))
        case status:
            return port.Unknown(f"status {status}")


class SlateWebhooks:
    """Slate signs the bodies of its webhooks."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    async def verify(
        self, headers: Mapping[str, str], body: bytes, _now: datetime
    ) -> port.Rejection | None:
        given = headers.get("slate-signature", "").encode()
        right = [hmac.digest(one.encode(), body, "sha256").hex().encode() for one in self._secrets]
        if any(hmac.compare_digest(one, given) for one in right):
            return None
        return port.Rejection.SIGNATURE_MISMATCH if given else port.Rejection.SIGNATURE_MISSING

    def envelope(self, headers: Mapping[str, str], body: bytes) -> port.Envelope | port.Rejection:  # noqa: ARG002
        def read() -> port.Envelope:
            event = reading.parse(Event, body)
            return port.Envelope(event.id, event.type)

        return reading.read_envelope(read)

    def read(self, event_type: str, body: bytes) -> port.Answered | port.Unreadable:  # noqa: ARG002
        return reading.read_event(lambda: reading.parse(Event, body).reports())

    async def interpret(self, event_type: str, body: bytes) -> port.Reply | port.Unreadable:
        return self.read(event_type, body)


class SlateProvider(port.Provider):
    """An account at Slate: its operations and its webhooks, and nothing else."""

    credential_fields = CredentialFields(frozenset({"key", "base"}), frozenset({"secret"}))

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=credentials["base"],
            headers={"authorization": credentials["key"]},
            timeout=reading.bounded(timeout_seconds),
            limits=reading.NO_QUEUE,
        )
        self.operations = SlateOperations(self._http, timeout_seconds)
        self.webhooks = SlateWebhooks(reading.active_values(credentials.get("secret")))

    async def close(self) -> None:
        await self._http.aclose()


class MuteProvider(SlateProvider):
    """An account at Slate that does not even have webhooks."""

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        super().__init__(credentials, timeout_seconds=timeout_seconds)
        del self.webhooks
