"""The port: what the engine asks of a provider, and the ways in which an answer can fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.providers.domain.facts import NotSent, Report

EVENT_TEXT = re.compile(r"[!-~]{1,255}")
"""A provider event's id, or its type."""


class AuthorizeRequest(Value):
    """A payment to be authorized, and captured at once if ``capture``.

    ``idempotency_key`` is what the provider deduplicates on: the same for every try of one
    operation. ``payment_method`` is the provider's token, None where the customer chooses how to
    pay on the provider's page. The customer is sent to ``return_url`` after an action of theirs.
    ``provider_reference`` is the provider's id of an earlier try, if we know it: the adapter goes
    on with that, and makes nothing new. ``begun_at`` is when the operation was begun, by
    PostgreSQL's clock: look-ups have it, where a provider may have to be asked by time.
    """

    idempotency_key: str
    payment_id: PaymentId
    amount: Money
    payment_method: str | None
    capture: bool = True
    return_url: str | None = None
    provider_reference: str | None = None
    begun_at: datetime | None = None


class CaptureRequest(Value):
    """``amount`` to be taken of what is authorized; the rest lapses if ``final``.

    The references are those of ``Report`` and of ``Authorized``.
    """

    idempotency_key: str
    payment_id: PaymentId
    amount: Money
    final: bool
    provider_reference: str
    authorization_reference: str


class CancelRequest(Value):
    """What is authorized, or waits for the customer, to be given up."""

    idempotency_key: str
    payment_id: PaymentId
    provider_reference: str
    authorization_reference: str | None


class RefundRequest(Value):
    """``amount`` of a capture to be given back."""

    idempotency_key: str
    payment_id: PaymentId
    refund_id: RefundId
    amount: Money
    provider_reference: str
    capture_reference: str


OperationRequest: TypeAlias = AuthorizeRequest | CaptureRequest | CancelRequest | RefundRequest


def payment_reference(payment_id: PaymentId) -> str:
    """Return our payment's id, as the provider is told it and gives it back."""
    return ids.render("payment", payment_id)


def refund_reference(refund_id: RefundId) -> str:
    """Return our refund's id, as the provider is told it and gives it back."""
    return ids.render("refund", refund_id)


class Answered(Value):
    """The provider answered, and this is what it said."""

    reports: tuple[Report, ...]


class Unknown(Value):
    """The call was sent and no answer could be read: it may have happened or not."""

    reason: str


Reply: TypeAlias = Answered | NotSent | Unknown


class Unreadable(Value):
    """A webhook is not as documented: what it says is lost on us, and no later try changes that."""

    reason: str


class NotOurs(Value):
    """A webhook is genuine and none of this account's: it is acknowledged and never applied.

    ``reason`` is ``foreign`` (another system's, or another connected account's) or ``livemode``
    (test mode's at a live account, or the other way round).
    """

    reason: Literal["foreign", "livemode"]


FOREIGN = NotOurs("foreign")
LIVEMODE = NotOurs("livemode")


class Rejection(StrEnum):
    """Why a webhook is not believed, or (``CERTIFICATE_UNAVAILABLE``) not yet."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_MISMATCH = "signature_mismatch"
    TIMESTAMP_OUTSIDE_TOLERANCE = "timestamp_outside_tolerance"
    CERTIFICATE_NOT_ALLOWED = "certificate_not_allowed"
    CERTIFICATE_UNAVAILABLE = "certificate_unavailable"
    CERTIFICATE_INVALID = "certificate_invalid"
    BODY_MALFORMED = "body_malformed"


class Envelope(Value):
    """A webhook's own id, by which deliveries of it are told to be the same, and its type.

    ``transmission_id`` is the delivery's, where the provider has signed one: a signature that does
    not cover the whole body could be sent again with another event, but not under another id.
    """

    event_id: str
    event_type: str
    transmission_id: str | None = None

    @property
    def is_storable(self) -> bool:
        """Whether each text is as ``EVENT_TEXT``.

        Many accounts' events are stored with one statement, so that none of them may hold what
        PostgreSQL refuses, such as NUL.
        """
        texts = [self.event_id, self.event_type]
        if self.transmission_id is not None:
            texts.append(self.transmission_id)
        return all(map(EVENT_TEXT.fullmatch, texts))


class ListedEvent(Value):
    """An event in the provider's own list. ``body`` says in JSON what the webhook's body says.

    The bytes may be others than those that were delivered; they have no signature.
    """

    envelope: Envelope
    body: bytes


class EventPage(Value):
    """A part of the provider's list, and the cursor of the next one; None at the end.

    ``unreadable`` are the events on it without an id or a type that can be stored, so that nothing
    can be done about them but to tell of them.
    """

    events: tuple[ListedEvent, ...]
    next_cursor: str | None
    unreadable: int = 0


class Provider(Protocol):
    """One account at one provider. Every method is total: it answers, it does not raise.

    A call that moves something is made again only with the same key. A definite no is answered
    with ``Declined``, or ``RefundFailed`` for a refund; a payment that is not settled yet, with
    ``Processing``, which keeps its reference; a refund that is not settled yet, with no reports.
    """

    @property
    def keeps_keys_for(self) -> timedelta:
        """How long the same call with the same key is answered as it was, and has no effect."""
        ...

    @property
    def captures_once(self) -> bool:
        """Whether every capture is final, so that an authorization is captured in one go."""
        ...

    @property
    def lists_events_for(self) -> timedelta:
        """How far back the provider lists its events; zero if it has no such list."""
        ...

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        """Return why nobody can pay like this, in a sentence for the caller; None if one can.

        It is asked before a payment is written down. A token that looks right may still be refused.
        """
        ...

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Authorize, and capture if asked; or go on with what was begun."""
        ...

    async def capture(self, request: CaptureRequest) -> Reply:
        """Take what is authorized, or a part of it."""
        ...

    async def cancel(self, request: CancelRequest) -> Reply:
        """Give up what is authorized, or waits for the customer."""
        ...

    async def refund(self, request: RefundRequest) -> Reply:
        """Give back what was captured, or a part of it."""
        ...

    async def fetch(self, request: OperationRequest) -> Reply:
        """Return what the provider knows of an operation: by its references, or else by ours.

        Nothing that is settled, or nothing at all, is answered with no reports. It may report more
        than was asked for, such as captures that are known.
        """
        ...

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Return why ``body`` is not believed, or None. ``headers`` have lower-case names."""
        ...

    def read_envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:
        """Return what identifies the event, and its delivery, in a verified webhook."""
        ...

    def read_webhook(self, event_type: str, body: bytes) -> Answered | Unreadable | NotOurs | None:
        """Return what a verified webhook says by itself; None if the provider has to be asked.

        What it says is what ``interpret_webhook`` says, which is then not called.
        """
        ...

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply | Unreadable | NotOurs:
        """Return what a verified webhook says, asking the provider where it must not be trusted.

        An event that says nothing of interest is answered with no reports. ``Unreadable`` is only
        the webhook itself; that the provider cannot be asked, or read, is ``Unknown``.
        """
        ...

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Return what the provider knows of a capture that a webhook names and nobody told us of.

        It is ``FOREIGN`` if it has no reference of ours, or if the provider knows no such capture.
        """
        ...

    async def list_events(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """Return a page of what happened from ``since`` to ``until``, whether delivered or not.

        ``cursor`` is that of the page before, None for the first. The order is the provider's, so
        nothing may be made of it. Providers tell the time in whole seconds: a few events from just
        outside may be there too. One that cannot be read is left out and counted, since it comes
        again with every try, and must not keep the others from being read for ever; a page that
        cannot be read as a whole is ``Unknown``, and is asked for again.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
