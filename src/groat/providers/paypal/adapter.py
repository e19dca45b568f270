"""The adapter for a PayPal account, over PayPal's REST API."""

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
from groat.providers.paypal import bodies, events, settlement_report, signature
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
"""Maximum time by which PayPal's clock may be behind PostgreSQL's."""
_EVENTS_COME_WITHIN = timedelta(hours=1)
"""Time after the last call with an operation's key in which PayPal lists events of its order."""

Answer = TypeVar("Answer")


class PayPalProvider:
    """The ``Provider`` for a PayPal account."""

    read_settlement_file = staticmethod(settlement_report.read_settlement_report)
    credential_fields = CredentialFields(
        needed=frozenset({"client_id", "client_secret"}),
        optional=frozenset({"webhook_id", "api_base", "certificate_root"}),
    )
    """``webhook_id`` holds two values, with a comma between, during a rotation. ``api_base`` and
    ``certificate_root`` (PEM) are for a stand-in only."""

    keeps_keys_for = timedelta(hours=5, minutes=30)
    """Half an hour less than the Orders API remembers keys. The Payments API remembers them longer
    (developer.paypal.com, "Idempotency")."""

    captures_once = False

    lists_events_for = timedelta(days=30)
    """Source: developer.paypal.com, "Webhooks Events dashboard". It shows the same list."""

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
            return await self._in_time(self._operations.create(request))
        return await self._in_time(self._operations.go_on(request, request.provider_reference))

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture an authorization, or a part of it."""
        return await self._in_time(self._operations.capture(request))

    async def cancel(self, request: CancelRequest) -> Reply:
        """Void an authorization, or abandon an order that waits for its payer.

        PayPal needs no call to abandon an order: the engine never completes it, and PayPal drops it
        after some hours. An order that its payer has approved can no longer be canceled, because
        another process may be completing it at this moment.
        """
        if request.authorization_reference is None:
            return await self._in_time(self._operations.give_up(request))
        return await self._in_time(self._operations.void(request, request.authorization_reference))

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a capture, or a part of it."""
        return await self._in_time(self._operations.refund(request))

    async def fetch(self, request: OperationRequest) -> Reply:
        """Look up the order of an operation. For a refund, report that refund alone.

        PayPal cannot search orders by Groat's reference. If a call returned no order id, the
        engine repeats it with the same key. Once PayPal has forgotten the key, this method searches
        PayPal's list of events.
        """
        if request.provider_reference is None:
            return await self._in_time(self._find(request))
        return await self._in_time(self._operations.fetch(request, request.provider_reference))

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Verify the signature with a certificate that belongs to PayPal."""
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
        """Read the event's id and type from the body, and the signed transmission id."""
        transmission = signature.read_transmission(headers)
        if not isinstance(transmission, Transmission):
            return transmission
        return read_envelope(lambda: events.envelope(body, transmission.id))

    def read_webhook(self, event_type: str, body: bytes) -> Answered | Unreadable | None:  # noqa: ARG002 - the body proves nothing
        """Return no reports for an irrelevant event, else None.

        The signature does not protect the body, so PayPal has to be asked about any other event.
        """
        return Answered(()) if events.subject_of(event_type) is None else None

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply | Unreadable:
        """Look up the subject of the event at PayPal."""
        subject = events.subject_of(event_type)
        if subject is None:
            return Answered(())
        try:
            subject_id = events.subject_id(subject, body)
        except Malformed:
            return Unreadable(f"no id of its {subject} in the event")
        reply = await self._in_time(self._lookups.subject(subject, subject_id))
        return Unknown(reply.reason) if isinstance(reply, NotSent) else reply

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Look up the capture at PayPal. It carries the id of Groat's payment."""
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
        """Search the list of events for an order whose creation was not answered.

        Do so only once PayPal has forgotten the operation's key. Until then the engine repeats the
        call.
        """
        begun_at = request.begun_at if isinstance(request, AuthorizeRequest) else None
        if begun_at is None or self._clock.now() < begun_at + self.keeps_keys_for:
            return Answered(())
        until = begun_at + self.keeps_keys_for + _EVENTS_COME_WITHIN
        payment_ref = payment_reference(request.payment_id)
        found = await self._lookups.order_told_of(payment_ref, begun_at - _CLOCKS_DIFFER_BY, until)
        if isinstance(found, Unknown):
            return found
        return Answered(()) if found is None else await self._operations.fetch(request, found)

    async def _in_time(self, steps: Awaitable[Answer]) -> Answer | Unknown:
        """Await the steps of one method, and return ``Unknown`` if they exceed the time-out.

        A method may make several calls, so the limit of a single call is not enough.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await steps
        except TimeoutError as error:
            return Unknown(type(error).__name__)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the TLS context that all accounts share. To create one takes 30 ms and a megabyte."""
    return httpx.create_ssl_context()
