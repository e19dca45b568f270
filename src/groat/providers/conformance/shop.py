"""A merchant's shop, for the tests: what it asks of the adapter, and what really happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.providers.conformance.harness import Fault, Harness, ProviderEntry
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Fact,
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
    refund_reference,
)

AMOUNT = Money(1050, "EUR")
PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.05
_RETURN_URL = "https://shop.example/return"

VERBS = ("authorize", "capture", "cancel", "refund")

F = TypeVar("F", bound=Fact)
"""A kind of fact."""


def new_key() -> str:
    """Return a key as the engine makes them."""
    return ids.render("operation", ids.uuid7())


def reports(reply: Reply | Unreadable | NotOurs) -> tuple[Report, ...]:
    """Return what was answered; a failure where the provider answered fails the test."""
    assert isinstance(reply, Answered), f"expected an answer, not {reply}"
    return reply.reports


def only(kind: type[F], reply: Reply) -> F:
    """Return the one fact of ``kind`` in an answer."""
    found = [one.fact for one in reports(reply) if isinstance(one.fact, kind)]
    assert len(found) == 1, f"expected one {kind.__name__} in {reply}"
    return found[0]


def found(kind: type[Fact], reply: Reply) -> bool:
    """Tell whether an answer has a fact of ``kind``; a failure has none."""
    return isinstance(reply, Answered) and any(isinstance(one.fact, kind) for one in reply.reports)


async def perform(provider: Provider, request: OperationRequest) -> Reply:
    """Make the call that ``request`` is for."""
    match request:
        case AuthorizeRequest():
            return await provider.authorize(request)
        case CaptureRequest():
            return await provider.capture(request)
        case CancelRequest():
            return await provider.cancel(request)
        case RefundRequest():
            return await provider.refund(request)


def wanted(request: OperationRequest) -> type[Fact]:
    """Return what a successful ``request`` is answered with."""
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
    """A payment that the provider has, and what it calls it."""

    request: AuthorizeRequest
    provider_reference: str


class Reserved(Started):
    """An authorized payment."""

    authorized: Authorized

    def capture(self, amount: Money = AMOUNT, *, final: bool = True) -> CaptureRequest:
        """Return the request to take ``amount`` of it."""
        return CaptureRequest(
            new_key(),
            self.request.payment_id,
            amount,
            final,
            self.provider_reference,
            self.authorized.reference,
        )

    def cancel(self) -> CancelRequest:
        """Return the request to give it up."""
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
        """Return a request to give ``amount`` back, for a refund of its own."""
        return RefundRequest(
            new_key(),
            self.request.payment_id,
            RefundId(ids.uuid7()),
            amount,
            self.provider_reference,
            self.captured.reference,
        )


class Shop(Value):
    """Takes payments through the adapter, and looks into the provider's own books."""

    provider: Provider
    harness: Harness

    def order(
        self, method: str | None = None, *, capture: bool = True, amount: Money = AMOUNT
    ) -> AuthorizeRequest:
        """Return the request to begin a payment of its own."""
        token = method or self.harness.payment_methods.succeeds
        payment_id = PaymentId(ids.uuid7())
        return AuthorizeRequest(new_key(), payment_id, amount, token, capture, _RETURN_URL)

    async def reserve(self, amount: Money = AMOUNT) -> Reserved:
        """Let a payment be authorized."""
        request = self.order(capture=False, amount=amount)
        reply = await self.provider.authorize(request)
        return Reserved(request, _reference(reply), only(Authorized, reply))

    async def pay(self, amount: Money = AMOUNT) -> Paid:
        """Let a payment be captured."""
        request = self.order(amount=amount)
        reply = await self.provider.authorize(request)
        return Paid(request, _reference(reply), only(Captured, reply))

    async def await_customer(self, method: str) -> Started:
        """Let a payment wait for its customer."""
        request = self.order(method)
        reply = await self.provider.authorize(request)
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
        """Return what was really taken for a payment."""
        return _amounts((await self.harness.books()).charges, payment_reference(payment_id))

    async def authorizations(self, payment_id: PaymentId) -> list[Money]:
        """Return what was really reserved for a payment."""
        return _amounts((await self.harness.books()).authorizations, payment_reference(payment_id))

    async def refunds(self, refund_id: RefundId) -> list[Money]:
        """Return what was really given back for a refund."""
        return _amounts((await self.harness.books()).refunds, refund_reference(refund_id))

    async def effects(self, request: OperationRequest) -> list[Money]:
        """Return what a request has really taken or given back; of a cancellation, nothing."""
        if isinstance(request, RefundRequest):
            return await self.refunds(request.refund_id)
        return await self.charges(request.payment_id)

    @asynccontextmanager
    async def under(self, fault: Fault) -> AsyncIterator[None]:
        """Let something go wrong for a while."""
        await self.harness.set_fault(fault)
        try:
            yield
        finally:
            await self.harness.set_fault(None)

    async def settle(self, request: OperationRequest) -> Reply:
        """Ask what became of a request until that is known: look, then call with the same key.

        This is what the engine's recovery does.
        """
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            for reply in (
                await self.provider.fetch(request),
                await perform(self.provider, request),
            ):
                if found(wanted(request), reply):
                    return reply
            assert time.monotonic() < give_up_at, f"nobody can tell what became of {request}"
            await asyncio.sleep(_PAUSE_SECONDS)

    async def told(self, started: Started) -> list[Report]:
        """Return what the webhooks since last time say about a payment."""
        told: list[Report] = []
        for delivery in await self.harness.take_deliveries():
            envelope = self.provider.read_envelope(delivery.headers, delivery.body)
            assert isinstance(envelope, Envelope), envelope
            told += reports(
                await self.provider.interpret_webhook(envelope.event_type, delivery.body)
            )
        return [
            one
            for one in told
            if started.request.payment_id == one.payment_id
            or started.provider_reference == one.provider_reference
        ]


def _reference(reply: Reply) -> str:
    references = {one.provider_reference for one in reports(reply)}
    assert len(references) == 1, f"expected one provider_reference in {reply}"
    reference = references.pop()
    assert reference is not None, f"expected a provider_reference in {reply}"
    return reference


def _amounts(entries: Sequence[ProviderEntry], reference: str) -> list[Money]:
    return [entry.amount for entry in entries if entry.reference == reference]
