"""The port to providers: the capabilities that an adapter may have, and how their calls can fail.

A capability is a protocol of its own. ``Provider`` names those of one account: its operations, and
each of the others or None. An adapter that lacks a capability has no code for it. The guard
(``guard.py``) answers in its place, so the rest of the engine treats all providers alike.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias, assert_never

from groat.kernel import ids
from groat.kernel.ids import OperationId, PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value, field
from groat.providers.domain.facts import NotSent, Report
from groat.providers.domain.movements import Movement
from groat.providers.domain.payouts import ToldPayout

EVENT_TEXT = re.compile(r"[!-~]{1,255}")
"""Form of a provider event's id and of its type: 1 to 255 printable ASCII characters, no space."""


class OrderDetails(Value):
    """The merchant's details of a payment, for the provider's pages and the customer's statement.

    ``reference`` and ``customer_reference`` are the merchant's own. ``metadata`` is the part that
    the merchant has selected for the provider. An adapter sends what its provider has a field for.
    """

    reference: str | None = None
    description: str | None = None
    statement_descriptor: str | None = None
    customer_reference: str | None = None
    customer_email: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class AuthorizeRequest(Value):
    """A request to authorize a payment, and to capture it at once if ``capture``.

    ``idempotency_key`` is the same for every try of one operation; the provider deduplicates by it.
    ``payment_method`` is the provider's token, None if the customer chooses how to pay on the
    provider's page. The provider sends the customer to ``return_url`` after an action such as 3-D
    Secure. ``provider_reference`` is the provider's id of an earlier try, if one is known. The
    adapter then continues that payment and creates no second one. ``begun_at`` is the time at which
    the operation began, by PostgreSQL's clock. Look-ups carry it for providers that can only be
    searched by time.

    ``operation_id`` is Groat's id of this attempt. ``declined_reference`` is the provider's id of
    the payment whose last attempt was declined, if the provider keeps it open. The adapter
    continues it with this request's payment method. A look-up must not answer with the outcome of
    that earlier attempt.
    """

    idempotency_key: str
    payment_id: PaymentId
    amount: Money
    payment_method: str | None
    capture: bool = True
    return_url: str | None = None
    provider_reference: str | None = None
    begun_at: datetime | None = None
    operation_id: OperationId | None = None
    declined_reference: str | None = None
    details: OrderDetails = OrderDetails()


class CaptureRequest(Value):
    """A request to capture ``amount`` of an authorization. If ``final``, the rest lapses.

    ``provider_reference`` is that of the ``Report``, ``authorization_reference`` the ``reference``
    of the ``Authorized`` fact.
    """

    idempotency_key: str
    payment_id: PaymentId
    amount: Money
    final: bool
    provider_reference: str
    authorization_reference: str


class CancelRequest(Value):
    """A request to cancel a payment that is authorized or waits for the customer.

    ``authorization_reference`` is None if the payment is not authorized yet.
    """

    idempotency_key: str
    payment_id: PaymentId
    provider_reference: str
    authorization_reference: str | None


class RefundRequest(Value):
    """A request to refund ``amount`` of a capture."""

    idempotency_key: str
    payment_id: PaymentId
    refund_id: RefundId
    amount: Money
    provider_reference: str
    capture_reference: str


OperationRequest: TypeAlias = AuthorizeRequest | CaptureRequest | CancelRequest | RefundRequest


def payment_reference(payment_id: PaymentId) -> str:
    """Return the payment's id in the form that the provider receives and returns."""
    return ids.render("payment", payment_id)


def operation_reference(operation_id: OperationId) -> str:
    """Return the operation's id in the form that the provider receives and returns."""
    return ids.render("operation", operation_id)


def refund_reference(refund_id: RefundId) -> str:
    """Return the refund's id in the form that the provider receives and returns."""
    return ids.render("refund", refund_id)


class Answered(Value):
    """The provider answered with these reports, which may be none."""

    reports: tuple[Report, ...]


class Unknown(Value):
    """The call was sent, but no readable answer came. The provider may have carried it out."""

    reason: str


Reply: TypeAlias = Answered | NotSent | Unknown


class Unreadable(Value):
    """A webhook differs from the provider's documentation. A later try cannot read it either."""

    reason: str


class NotOurs(Value):
    """A genuine webhook that is not for this account. Groat acknowledges it and never applies it.

    ``reason`` is ``foreign`` if the event belongs to another system or another connected account.
    It is ``livemode`` for a test event at a live account, or the other way round.
    """

    reason: Literal["foreign", "livemode"]


FOREIGN = NotOurs("foreign")
LIVEMODE = NotOurs("livemode")


class Rejection(StrEnum):
    """The reason for which the adapter rejects a webhook.

    ``CERTIFICATE_UNAVAILABLE`` may pass: the certificate could not be fetched, so a later delivery
    may be verified. ``NOT_SUPPORTED`` is the guard's own: the adapter has no webhooks.
    """

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_MISMATCH = "signature_mismatch"
    TIMESTAMP_OUTSIDE_TOLERANCE = "timestamp_outside_tolerance"
    CERTIFICATE_NOT_ALLOWED = "certificate_not_allowed"
    CERTIFICATE_UNAVAILABLE = "certificate_unavailable"
    CERTIFICATE_INVALID = "certificate_invalid"
    BODY_MALFORMED = "body_malformed"
    NOT_SUPPORTED = "webhooks_not_supported"


class Envelope(Value):
    """The id and the type of a provider event, and the id of its delivery.

    Deliveries with the same ``event_id`` are the same event. ``transmission_id`` is the id of the
    delivery, if the provider signs one. If a signature does not cover the whole body, an attacker
    could send it again with another event, but only under the same ``transmission_id``.
    """

    event_id: str
    event_type: str
    transmission_id: str | None = None

    @property
    def is_storable(self) -> bool:
        """Whether each text matches ``EVENT_TEXT``.

        One statement stores the events of many accounts. A character that PostgreSQL refuses, such
        as NUL, would fail all of them.
        """
        texts = [self.event_id, self.event_type]
        if self.transmission_id is not None:
            texts.append(self.transmission_id)
        return all(map(EVENT_TEXT.fullmatch, texts))


class ListedEvent(Value):
    """An event in the provider's own list.

    ``body`` has the same JSON content as the body of the webhook. Its bytes may differ from the
    delivered bytes, and they have no signature.
    """

    envelope: Envelope
    body: bytes


class EventPage(Value):
    """A page of the provider's list of events. ``next_cursor`` is None on the last page.

    ``unreadable`` is the number of events on the page whose id or type cannot be stored. The engine
    can only report their number.
    """

    events: tuple[ListedEvent, ...]
    next_cursor: str | None
    unreadable: int = 0


class Operations(Protocol):
    """The calls that move money. Each returns an answer to any request and never raises.

    The engine repeats a call only with the same key. The adapter reports a definite refusal as
    ``Declined``, or as ``RefundFailed`` for a refund. It reports a payment that is not settled yet
    as ``Processing``, with the reference to look it up by. It answers any other call whose outcome
    is not settled yet with no reports. A provider may answer every call in this way, and report
    all outcomes by webhook.
    """

    @property
    def keeps_keys_for(self) -> timedelta:
        """Time for which the provider remembers idempotency keys; zero if it remembers none.

        Within it, a second call with the same key has no effect and gets the answer of the first.
        """
        ...

    @property
    def captures_once(self) -> bool:
        """Whether the provider allows only one capture of an authorization, so each is final."""
        ...

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        """Return a sentence for the caller if this payment method cannot be used, else None.

        The engine asks before it stores a payment. The provider may still decline a token that
        passes this check.
        """
        ...

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Authorize a payment, and capture it if requested; or continue an earlier try."""
        ...

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture an authorization, or a part of it."""
        ...

    async def cancel(self, request: CancelRequest) -> Reply:
        """Cancel a payment that is authorized or waits for the customer."""
        ...

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a capture, or a part of it."""
        ...


async def perform(operations: Operations, request: OperationRequest) -> Reply:
    """Make the call of an operation."""
    match request:
        case AuthorizeRequest():
            return await operations.authorize(request)
        case CaptureRequest():
            return await operations.capture(request)
        case CancelRequest():
            return await operations.cancel(request)
        case RefundRequest():
            return await operations.refund(request)
        case _:
            assert_never(request)


class Lookups(Protocol):
    """The calls that read the outcome of an operation. They never raise, and move no money.

    Without look-ups, the engine repeats a call whose outcome it does not know while the provider
    keeps the key. After that, only a webhook or an operator settles the operation.
    """

    async def fetch(self, request: OperationRequest) -> Reply:
        """Look an operation up, by the provider's references if they are known, else by Groat's.

        If the provider knows nothing about the operation, or has not settled it, the answer has no
        reports. The answer may report more than the operation, such as earlier captures.
        """
        ...

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Look up a capture that a webhook names and that Groat does not know.

        The result is ``FOREIGN`` if the capture carries no id of Groat, or if the provider knows no
        such capture.
        """
        ...


class Webhooks(Protocol):
    """Verifies and reads the events that the provider delivers. No method raises."""

    async def verify(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Verify the signature of a webhook; return the reason to reject it, or None.

        The names in ``headers`` are in lower case.
        """
        ...

    def envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:
        """Read the ids and the type of the event in a verified webhook."""
        ...

    def read(self, event_type: str, body: bytes) -> Answered | Unreadable | NotOurs | None:
        """Read a verified webhook without a call; return None if the provider has to be asked.

        The result must equal that of ``interpret``, which the engine then does not call.
        """
        ...

    async def interpret(self, event_type: str, body: bytes) -> Reply | Unreadable | NotOurs:
        """Read a verified webhook, and ask the provider if the body cannot be trusted.

        An event that is irrelevant to Groat has no reports. ``Unreadable`` is about the webhook
        itself. If the provider cannot be reached, or its answer cannot be read, the result is
        ``Unknown``.
        """
        ...


class EventList(Protocol):
    """The provider's own list of events. An adapter that has it also has ``Webhooks``."""

    @property
    def covers(self) -> timedelta:
        """Age of the oldest events that the provider still lists."""
        ...

    async def page(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """Return a page of the events from ``since`` to ``until``, delivered or not.

        ``cursor`` is the ``next_cursor`` of the previous page, None for the first. The order of
        events is the provider's; callers must not rely on it. Providers tell time in whole seconds,
        so a page may hold a few events from just outside the span.

        An event that cannot be read is left out and counted. It would fail every later try too, and
        must not block the other events for ever. If the whole page cannot be read, the result is
        ``Unknown``, and the engine asks again.
        """
        ...


class MovementWindow(Value):
    """All movements that the provider booked from the start of a window until ``until``.

    ``until`` may be earlier than asked for, if the provider does not know its latest ones yet.
    """

    movements: tuple[Movement, ...]
    until: datetime


class Explained(Value):
    """The payment that a movement belongs to, by the id that the provider kept for us.

    ``payment_id`` is None if another system made the object. ``reports`` are the facts of the
    object of the movement, and of its charge. ``charge`` is the charge's id: a file may name only
    the refund of it.
    """

    payment_id: PaymentId | None
    reports: tuple[Report, ...] = ()
    charge: str | None = None


class ToldBalance(Value):
    """A provider's own balance of one currency, in minor units.

    ``available`` is what ``provider:`` mirrors. ``reserved`` is what the provider withholds, None
    if it does not tell.
    """

    available: int
    reserved: int | None = None


class Recheck(Value):
    """The longer part of a provider's list that is read again at times, and the time between.

    Rows may appear weeks behind others: a pending bank transfer that succeeds keeps its date.
    """

    span: timedelta
    every: timedelta


class MovementFeed(Protocol):
    """The movements of a provider account. No method raises."""

    @property
    def overlap(self) -> timedelta:
        """Time before the end of the last window that is read again, because rows come late."""
        ...

    @property
    def recheck(self) -> Recheck:
        """The part of the list that is read again at times."""
        ...

    async def read(self, since: datetime, until: datetime) -> MovementWindow | Unknown:
        """Read a window completely, or not at all: it never has a part of its movements."""
        ...

    async def balances(self, at: datetime) -> Mapping[str, ToldBalance] | Unknown:
        """Return the provider's balances by currency, with all movements before ``at``."""
        ...

    async def explain(self, movement: Movement) -> Explained | Unknown:
        """Ask the provider for the object of a movement whose fact is missing here."""
        ...


class PayoutBook(Protocol):
    """The payouts of a provider account. No method raises."""

    async def payout(self, reference: str) -> ToldPayout | Unknown | None:
        """Return a payout with the movements that the provider lists; None if it has no such."""
        ...


class Provider(ABC):
    """One account at one provider: its capabilities. None stands for a capability it lacks."""

    operations: Operations
    lookups: Lookups | None = None
    webhooks: Webhooks | None = None
    event_list: EventList | None = None
    movement_feed: MovementFeed | None = None
    payout_book: PayoutBook | None = None

    @abstractmethod
    async def close(self) -> None:
        """Close all connections to the provider."""
