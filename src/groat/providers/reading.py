"""Reading what a provider sent, or why it sent nothing: what every adapter does alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias, TypeVar

import httpx
import msgspec

from groat.kernel import ids
from groat.kernel.errors import GroatError, NotFound
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.value import Value
from groat.providers.domain.facts import Declined, NotSent, RefundFailed, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    EVENT_TEXT,
    FOREIGN,
    Answered,
    Envelope,
    EventPage,
    ListedEvent,
    NotOurs,
    OperationRequest,
    RefundRequest,
    Rejection,
    Reply,
    Unknown,
    Unreadable,
)

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
"""What goes wrong at the provider before the first byte of a request is on its way."""

NO_QUEUE = httpx.Limits(max_connections=None, max_keepalive_connections=100)
"""As many connections as there are calls. How many those are is bounded before anything is written:
a call that waited for a connection would time out for our own overload, as if the provider had."""

EventText: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^{EVENT_TEXT.pattern}\Z")]
"""An event's id or type."""

Parsed = TypeVar("Parsed")

_SAID = re.compile(r" (['\"]).*\1", re.DOTALL)
"""What the payload says, where the parser's reasons repeat it."""


class Malformed(ValueError):
    """What a provider sent is not as documented. Its text says where, and repeats nothing."""


class Payload(Value):
    """A provider's object: only the fields that we read; others may come and go."""


def parse(kind: type[Parsed], body: bytes) -> Parsed:
    """Return what ``body`` holds, as JSON: a ``Payload``, or a list of them.

    Raises:
        Malformed: it is not that.
    """
    try:
        body.decode()  # what is not read may be no text either
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from None


def convert(kind: type[Parsed], document: object) -> Parsed:
    """Return what ``document`` holds, as the JSON that was read.

    Raises:
        Malformed: it is not that.
    """
    try:
        return msgspec.convert(document, kind)
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from None


def _malformed(error: ValueError | RecursionError) -> Malformed:
    why = str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
    return Malformed(_SAID.sub("", why))


def own_payment_id(text: str | None) -> PaymentId | None:
    """Return our payment's id as the provider gave it back, or None if this is not one."""
    try:
        return PaymentId(ids.parse("payment", text or ""))
    except NotFound:
        return None


def own_refund_id(text: str | None) -> RefundId | None:
    """Return our refund's id as the provider gave it back, or None if this is not one."""
    try:
        return RefundId(ids.parse("refund", text or ""))
    except NotFound:
        return None


def active_values(setting: str | None) -> list[str]:
    """Return the values of a credential, of which there are two while it rotates."""
    return [value.strip() for value in (setting or "").split(",") if value.strip()]


def read(reports: Callable[[], tuple[Report, ...]]) -> Reply:
    """Return what a payload says. One that is not as documented leaves the outcome unknown."""
    said = read_event(reports)
    return Unknown(f"unreadable: {said.reason}") if isinstance(said, Unreadable) else said


def read_event(reports: Callable[[], tuple[Report, ...]]) -> Answered | Unreadable:
    """Return what a webhook's body says, or why it cannot be read."""
    try:
        return Answered(reports())
    except (Malformed, GroatError) as error:
        return Unreadable(str(error))


def own_or_foreign(told: Reply) -> Reply | NotOurs:
    """Return what was told of a capture, or that it is another system's: it names none of ours."""
    if isinstance(told, Answered) and not any(one.payment_id for one in told.reports):
        return FOREIGN
    return told


def read_envelope(envelope: Callable[[], Envelope]) -> Envelope | Rejection:
    """Return what identifies an event, or that it is malformed."""
    try:
        return envelope()
    except Malformed:
        return Rejection.BODY_MALFORMED


def event_page(
    listed: Sequence[object], envelope: Callable[[bytes], Envelope], next_cursor: str | None
) -> EventPage:
    """Return a page of the events that a provider has ``listed``, as its JSON has them."""
    read_one_by_one = [_listed_event(event, envelope) for event in listed]
    events = tuple(event for event in read_one_by_one if event is not None)
    return EventPage(events, next_cursor, unreadable=len(listed) - len(events))


def _listed_event(event: object, envelope: Callable[[bytes], Envelope]) -> ListedEvent | None:
    try:
        body = json.dumps(event, separators=(",", ":")).encode()
        return ListedEvent(envelope(body), body)
    except ValueError:  # it is no event, or it holds a number that nobody could write down
        return None


def refusal(request: OperationRequest, code: FailureCode) -> tuple[Report, ...]:
    """Return the provider's definite no to a request that changed nothing there."""
    if isinstance(request, RefundRequest):
        return (
            Report(
                request.payment_id,
                request.provider_reference,
                RefundFailed(code),
                request.refund_id,
                request.capture_reference,
            ),
        )
    return (Report(request.payment_id, request.provider_reference, Declined(code)),)


def bounded(seconds: float) -> httpx.Timeout:
    """Return time limits for one call.

    Connecting has less than the whole: that nothing was sent must come out before the call as a
    whole is given up as unknown.
    """
    connecting = min(5.0, seconds / 2)
    return httpx.Timeout(seconds, connect=connecting)


def unreachable(error: BaseException) -> NotSent:
    """Return that a call was not begun because of ``error``."""
    return NotSent(FailureCode.PROVIDER_UNREACHABLE, type(error).__name__)
