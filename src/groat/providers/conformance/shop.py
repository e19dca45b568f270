"""A merchant's shop for the tests: it calls the adapter and reads the provider's own books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value, field
from groat.providers.conformance.harness import Fault, Harness, ProviderEntry, SentWebhook
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Fact,
    Processing,
    Refunded,
    Report,
    RequiresAction,
)
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    Envelope,
    NotOurs,
    OperationRequest,
    Provider,
    RefundRequest,
    Reply,
    Unreadable,
    payment_reference,
    perform,
    refund_reference,
)

AMOUNT = Money(1050, "EUR")
"""Amount of a payment, unless a test gives another."""

PATIENCE_SECONDS = 15.0
"""Maximum seconds to wait until the outcome of a request is known."""

_PAUSE_SECONDS = 0.05
"""Seconds between two tries to learn the outcome of a request."""

_RETURN_URL = "https://shop.example/return"

VERBS = ("authorize", "capture", "cancel", "refund")
"""Names of the calls that change something at the provider."""

F = TypeVar("F", bound=Fact)
"""A kind of fact."""


def new_key() -> str:
    """Return a new idempotency key in the form that the engine uses."""
    return ids.render("operation", ids.uuid7())


def reports(reply: Reply | Unreadable | NotOurs) -> tuple[Report, ...]:
    """Return the reports of an answer. Any other reply fails the test."""
    assert isinstance(reply, Answered), f"expected an answer, not {reply}"
    return reply.reports


def only(kind: type[F], reply: Reply) -> F:
    """Return the single fact of ``kind`` in an answer. No such fact, or several, fail the test."""
    found = [report.fact for report in reports(reply) if isinstance(report.fact, kind)]
    assert len(found) == 1, f"expected one {kind.__name__} in {reply}"
    return found[0]


def found(kind: type[Fact], reply: Reply) -> bool:
    """Tell whether a reply is an answer with a fact of ``kind``."""
    return isinstance(reply, Answered) and any(
        isinstance(report.fact, kind) for report in reply.reports
    )


def wanted(request: OperationRequest) -> type[Fact]:
    """Return the kind of fact that reports the success of ``request``."""
    match request:
        case AuthorizeRequest(capture=False):
            return Authorized
        case AuthorizeRequest() | CaptureRequest():
            return Captured
        case CancelRequest():
            return Canceled
        case RefundRequest():
            return Refunded


class Started(Value):
    """A payment that exists at the provider, with the provider's id."""

    request: AuthorizeRequest
    provider_reference: str


class Reserved(Started):
    """An authorized payment."""

    authorized: Authorized

    def capture(self, amount: Money = AMOUNT, *, final: bool = True) -> CaptureRequest:
        """Return a request to capture ``amount`` of the payment."""
        return CaptureRequest(
            new_key(),
            self.request.payment_id,
            amount,
            final,
            self.provider_reference,
            self.authorized.reference,
        )

    def cancel(self) -> CancelRequest:
        """Return a request to cancel the payment."""
        return CancelRequest(
            new_key(),
            self.request.payment_id,
            self.provider_reference,
            self.authorized.reference,
        )


class Paid(Started):
    """A captured payment."""

    captured: Captured

    def refund(self, amount: Money = AMOUNT) -> RefundRequest:
        """Return a request for a new refund of ``amount``."""
        return RefundRequest(
            new_key(),
            self.request.payment_id,
            RefundId(ids.uuid7()),
            amount,
            self.provider_reference,
            self.captured.reference,
        )


class Shop(Value):
    """Take payments through the adapter, and read the provider's own books.

    ``mail`` holds the webhooks that were taken from the harness and not yet by a test. ``reported``
    holds the reports in all webhooks that were taken while an outcome was awaited.
    """

    provider: Provider
    harness: Harness
    mail: list[SentWebhook] = field(default_factory=list)
    reported: list[Report] = field(default_factory=list)

    async def perform(self, request: OperationRequest) -> Reply:
        """Make a call, and return its outcome: see ``outcome``."""
        return await self.outcome(request, await perform(self.provider.operations, request))

    async def outcome(self, request: OperationRequest, reply: Reply) -> Reply:
        """Return the reply to a call; if the provider answers by webhook, with their reports.

        The harness may claim that the provider answers by webhook only if no reply has a success.
        """
        if not self.harness.answers_by_webhook or not isinstance(reply, Answered):
            return reply
        assert not found(wanted(request), reply), f"a reply reports a success: {reply}"
        await self._read_mail()
        at_once = (one for one in reply.reports if not isinstance(one.fact, Processing))
        by_webhook = (one for one in self.reported if _is_about(request, one))
        return Answered((*at_once, *dict.fromkeys(by_webhook)))

    async def take_deliveries(self) -> list[SentWebhook]:
        """Wait until no webhook is left to send; return those that no test has taken yet."""
        self.mail.extend(await self.harness.take_deliveries())
        taken = [*self.mail]
        self.mail.clear()
        return taken

    async def read_webhook(self, delivery: SentWebhook) -> tuple[Report, ...]:
        """Return the reports in a genuine webhook."""
        webhooks = self.provider.webhooks
        assert webhooks is not None, "without webhooks, no outcome can come by webhook"
        envelope = webhooks.envelope(delivery.headers, delivery.body)
        assert isinstance(envelope, Envelope), envelope
        return reports(await webhooks.interpret(envelope.event_type, delivery.body))

    async def _read_mail(self) -> None:
        """Note the reports in the webhooks that have arrived, and keep them for the tests."""
        arrived = await self.harness.take_deliveries()
        self.mail.extend(arrived)
        for delivery in arrived:
            self.reported.extend(await self.read_webhook(delivery))

    def order(
        self, method: str | None = None, *, capture: bool = True, amount: Money = AMOUNT
    ) -> AuthorizeRequest:
        """Return a request for a new payment."""
        token = method or self.harness.payment_methods.succeeds
        payment_id = PaymentId(ids.uuid7())
        return AuthorizeRequest(new_key(), payment_id, amount, token, capture, _RETURN_URL)

    async def reserve(self, amount: Money = AMOUNT) -> Reserved:
        """Authorize a new payment."""
        request = self.order(capture=False, amount=amount)
        reply = await self.perform(request)
        return Reserved(request, _reference(reply), only(Authorized, reply))

    async def pay(self, amount: Money = AMOUNT) -> Paid:
        """Capture a new payment."""
        request = self.order(amount=amount)
        reply = await self.perform(request)
        return Paid(request, _reference(reply), only(Captured, reply))

    async def await_customer(self, method: str) -> Started:
        """Begin a new payment that waits for its customer."""
        request = self.order(method)
        reply = await self.perform(request)
        only(RequiresAction, reply)
        return Started(request, _reference(reply))

    async def prepare(self, verb: str) -> OperationRequest:
        """Return a request for ``verb`` that will succeed."""
        match verb:
            case "authorize":
                return self.order()
            case "capture":
                return (await self.reserve()).capture()
            case "cancel":
                return (await self.reserve()).cancel()
            case _:
                return (await self.pay()).refund()

    async def charges(self, payment_id: PaymentId) -> list[Money]:
        """Return the amounts that the provider's books show as captured for a payment."""
        return _amounts((await self.harness.books()).charges, payment_reference(payment_id))

    async def authorizations(self, payment_id: PaymentId) -> list[Money]:
        """Return the amounts that the provider's books show as authorized for a payment."""
        return _amounts((await self.harness.books()).authorizations, payment_reference(payment_id))

    async def refunds(self, refund_id: RefundId) -> list[Money]:
        """Return the amounts that the provider's books show as refunded by a refund."""
        return _amounts((await self.harness.books()).refunds, refund_reference(refund_id))

    async def effects(self, request: OperationRequest) -> list[Money]:
        """Return the amounts that a request captured or refunded, by the provider's books."""
        if isinstance(request, RefundRequest):
            return await self.refunds(request.refund_id)
        return await self.charges(request.payment_id)

    @asynccontextmanager
    async def under(self, fault: Fault) -> AsyncIterator[None]:
        """Let the stand-in show ``fault`` while the block runs."""
        await self.harness.set_fault(fault)
        try:
            yield
        finally:
            await self.harness.set_fault(None)

    async def settle(self, request: OperationRequest) -> Reply:
        """Repeat until the outcome of a request is known: look it up, then call with the same key.

        The engine's recovery does the same.
        """
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            lookups = self.provider.lookups
            looked_up = Answered(()) if lookups is None else await lookups.fetch(request)
            for reply in (looked_up, await self.perform(request)):
                if found(wanted(request), reply):
                    return reply
            assert time.monotonic() < give_up_at, f"the outcome is still unknown: {request}"
            await asyncio.sleep(_PAUSE_SECONDS)

    async def webhook_reports(self, started: Started) -> list[Report]:
        """Return the reports about a payment in the webhooks since the last call."""
        found: list[Report] = []
        for delivery in await self.take_deliveries():
            found += await self.read_webhook(delivery)
        return [
            report
            for report in found
            if started.request.payment_id == report.payment_id
            or started.provider_reference == report.provider_reference
        ]


def _is_about(request: OperationRequest, report: Report) -> bool:
    """Tell whether a report can be the outcome of ``request``, a success or a refusal."""
    if isinstance(request, RefundRequest):
        return report.refund_id == request.refund_id
    return report.payment_id == request.payment_id and report.refund_id is None


def _reference(reply: Reply) -> str:
    references = {report.provider_reference for report in reports(reply)}
    assert len(references) == 1, f"expected one provider_reference in {reply}"
    reference = references.pop()
    assert reference is not None, f"expected a provider_reference in {reply}"
    return reference


def _amounts(entries: Sequence[ProviderEntry], reference: str) -> list[Money]:
    return [entry.amount for entry in entries if entry.reference == reference]
