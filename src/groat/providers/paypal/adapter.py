"""PayPal over REST: one account."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

import httpx

from groat.kernel.clock import Clock, SystemClock
from groat.kernel.errors import InvalidRequest
from groat.merchants.domain.credentials import CredentialFields
from groat.providers.domain.facts import NotSent
from groat.providers.paypal import bodies, events, signature
from groat.providers.paypal.certificates import CertificateSource
from groat.providers.paypal.client import PayPalClient
from groat.providers.paypal.lookups import Lookups
from groat.providers.paypal.operations import Operations
from groat.providers.paypal.signature import Transmission
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    Envelope,
    EventPage,
    NotOurs,
    OperationRequest,
    RefundRequest,
    Rejection,
    Reply,
    Unknown,
    Unreadable,
    payment_reference,
)
from groat.providers.reading import NO_QUEUE, Malformed, active_values, bounded, read_envelope

LIVE_API = "https://api-m.paypal.com"

SYSTEM_CLOCK = SystemClock()

_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far PayPal's clock may be behind PostgreSQL's."""
_EVENTS_COME_WITHIN = timedelta(hours=1)
"""Time after the last call with an operation's key within which PayPal has told of its order."""

Answer = TypeVar("Answer")


class PayPalProvider:
    """The ``Provider`` for a PayPal account."""

    credential_fields = CredentialFields(
        needed=frozenset({"client_id", "client_secret"}),
        optional=frozenset({"webhook_id", "api_base", "certificate_root"}),
    )
    """``webhook_id`` is two values while it rotates. ``api_base`` and ``certificate_root`` (PEM)
    are for a stand-in only."""

    keeps_keys_for = timedelta(hours=5, minutes=30)
    """Half an hour less than the Orders API does, which forgets sooner than the Payments API
    (developer.paypal.com, "Idempotency")."""

    captures_once = False

    lists_events_for = timedelta(days=30)
    """Source: developer.paypal.com, "Webhooks Events dashboard", which shows the same list."""

    def __init__(
        self, credentials: Mapping[str, str], *, timeout_seconds: float, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        base = credentials.get("api_base")
        self._timeout_seconds = timeout_seconds
        self._webhook_ids = active_values(credentials.get("webhook_id"))
        self._http = httpx.AsyncClient(
            base_url=base or LIVE_API,
            timeout=bounded(timeout_seconds),
            limits=NO_QUEUE,
            verify=_trusted(),
        )
        client = PayPalClient(
            self._http,
            credentials["client_id"],
            credentials["client_secret"],
            timeout_seconds=timeout_seconds,
        )
        self._clock = clock
        self._lookups = Lookups(client, clock)
        self._operations = Operations(client, self._lookups)
        self._certificates = CertificateSource(
            self._http, base, credentials.get("certificate_root")
        )

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        """Return why PayPal cannot be paid like this."""
        try:
            bodies.payment_source(payment_method, return_url)
        except InvalidRequest as error:
            return error.message
        return None

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Create an order, which PayPal completes at once if it is paid with a saved method.

        If the payer has to approve it first, the same order is completed afterwards.
        """
        if request.provider_reference is None:
            return await self._in_time(self._operations.create(request))
        return await self._in_time(self._operations.go_on(request, request.provider_reference))

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture an authorization, or a part of it."""
        return await self._in_time(self._operations.capture(request))

    async def cancel(self, request: CancelRequest) -> Reply:
        """Void an authorization. An order that waits for its payer is never completed, that is all.

        PayPal forgets such an order by itself after some hours. One that its payer has approved may
        be being completed at this moment, so that it cannot be canceled any more.
        """
        if request.authorization_reference is None:
            return await self._in_time(self._operations.give_up(request))
        return await self._in_time(self._operations.void(request, request.authorization_reference))

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a capture, or a part of it."""
        return await self._in_time(self._operations.refund(request))

    async def fetch(self, request: OperationRequest) -> Reply:
        """Return what the order says: of a refund, that refund alone.

        PayPal finds no order by our reference. What became of a call that told us none is learned
        by making it again with the same key; once PayPal has forgotten that, by its list of events.
        """
        if request.provider_reference is None:
            return await self._in_time(self._find(request))
        return await self._in_time(self._operations.fetch(request, request.provider_reference))

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Check the signature against a certificate that is PayPal's."""
        transmission = signature.read_transmission(headers)
        if not isinstance(transmission, Transmission):
            return transmission
        certificate = await self._certificates.certificate(transmission.certificate_url, now)
        if isinstance(certificate, Rejection):
            return certificate
        for webhook_id in self._webhook_ids:
            if signature.is_signed(transmission, body, webhook_id, certificate):
                return None
        return Rejection.SIGNATURE_MISMATCH

    def read_envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:
        """Return the event's id and type, and the id that the transmission is signed with."""
        transmission = signature.read_transmission(headers)
        if not isinstance(transmission, Transmission):
            return transmission
        return read_envelope(lambda: events.envelope(body, transmission.id))

    def read_webhook(self, event_type: str, body: bytes) -> Answered | Unreadable | None:  # noqa: ARG002 - it proves nothing
        """Return nothing if the event is of no interest: the body itself proves nothing."""
        return Answered(()) if events.subject_of(event_type) is None else None

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply | Unreadable:
        """Ask PayPal for what the event is about."""
        subject = events.subject_of(event_type)
        if subject is None:
            return Answered(())
        try:
            subject_id = events.subject_id(subject, body)
        except Malformed:
            return Unreadable(f"no id of its {subject} in the event")
        told = await self._in_time(self._lookups.subject(subject, subject_id))
        return Unknown(told.reason) if isinstance(told, NotSent) else told

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Ask PayPal for the capture, which has our payment's id."""
        return await self._in_time(self._lookups.capture(reference))

    async def list_events(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """List the events of the account's application, newest first."""
        query = events.first_page(since, until) if cursor is None else events.further_page(cursor)
        return await self._in_time(self._lookups.events(query))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _find(self, request: OperationRequest) -> Reply:
        """Look for an order whose making was not answered, after its key was forgotten."""
        begun_at = request.begun_at if isinstance(request, AuthorizeRequest) else None
        if begun_at is None or self._clock.now() < begun_at + self.keeps_keys_for:
            return Answered(())
        until = begun_at + self.keeps_keys_for + _EVENTS_COME_WITHIN
        ours = payment_reference(request.payment_id)
        found = await self._lookups.order_told_of(ours, begun_at - _CLOCKS_DIFFER_BY, until)
        if isinstance(found, Unknown):
            return found
        return Answered(()) if found is None else await self._operations.fetch(request, found)

    async def _in_time(self, steps: Awaitable[Answer]) -> Answer | Unknown:
        """Return the reply, or that it did not come: a method may make several calls."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await steps
        except TimeoutError as error:
            return Unknown(type(error).__name__)


@cache
def _trusted() -> ssl.SSLContext:
    """Return what the connections of all accounts trust: reading it takes 30 ms, and a megabyte."""
    return httpx.create_ssl_context()
