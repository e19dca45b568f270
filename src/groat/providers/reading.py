"""Read answers and webhooks of providers, and classify failed calls: shared by all adapters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias, TypeVar

import httpx
import msgspec

from groat.kernel import ids
from groat.kernel.errors import GroatError, NotFound
from groat.kernel.ids import OperationId, PaymentId, RefundId
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
"""Errors before the first byte of a request is sent. Nothing has happened at the provider."""

NO_QUEUE = httpx.Limits(max_connections=None, max_keepalive_connections=100)
"""Connection limits of an HTTP client: no queue, so every call gets a connection at once.

The engine bounds the number of calls before it writes anything. A call that waited for a connection
would time out because of Groat's own overload, and would look like a time-out of the provider.
"""

EventText: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^{EVENT_TEXT.pattern}\Z")]
"""An event's id or its type: text that matches ``EVENT_TEXT``."""

Parsed = TypeVar("Parsed")

DECLINE_CODE_LENGTH = 100
"""Maximum characters of a provider's decline code."""

PROVIDER_MESSAGE_LENGTH = 500
"""Maximum characters of a provider's message about a decline."""

_QUOTED = re.compile(r" (['\"]).*\1", re.DOTALL)
"""A part of the payload that msgspec's error message quotes."""


class Malformed(ValueError):
    """A payload differs from the provider's documentation.

    The message names the place and quotes nothing, since payloads may hold personal data.
    """


class Payload(Value):
    """An object of a provider's API. It declares the fields that Groat reads and ignores others."""


def parse(kind: type[Parsed], body: bytes) -> Parsed:
    """Parse the JSON in ``body`` as ``kind``: a ``Payload``, or a list of them.

    Raises:
        Malformed: the body is not UTF-8, not JSON, or does not have the form of ``kind``.
    """
    try:
        body.decode()  # msgspec does not check the text of fields that it skips
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from None


def convert(kind: type[Parsed], document: object) -> Parsed:
    """Convert ``document``, which is parsed JSON, to ``kind``.

    Raises:
        Malformed: the document does not have the form of ``kind``.
    """
    try:
        return msgspec.convert(document, kind)
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from None


def _malformed(error: ValueError | RecursionError) -> Malformed:
    why = str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
    return Malformed(_QUOTED.sub("", why))


def own_payment_id(text: str | None) -> PaymentId | None:
    """Parse a reference that the provider returned as a payment id; None if it is none."""
    try:
        return PaymentId(ids.parse("payment", text or ""))
    except NotFound:
        return None


def own_operation_id(text: str | None) -> OperationId | None:
    """Parse a reference that the provider returned as an operation id; None if it is none."""
    try:
        return OperationId(ids.parse("operation", text or ""))
    except NotFound:
        return None


def provider_text(text: str | None, longest: int) -> str | None:
    """Return a text of the provider, to keep and to show: no control characters, and bounded."""
    if text is None:
        return None
    return "".join(letter for letter in text if letter.isprintable())[:longest] or None


def declined(
    code: FailureCode, decline_code: str | None, message: str | None, *, stays_open: bool = False
) -> Declined:
    """Return the fact of a decline, with the provider's own code and message."""
    return Declined(
        code,
        provider_text(decline_code, DECLINE_CODE_LENGTH),
        provider_text(message, PROVIDER_MESSAGE_LENGTH),
        stays_open,
    )


def own_refund_id(text: str | None) -> RefundId | None:
    """Parse a reference that the provider returned as a refund id; None if it is none."""
    try:
        return RefundId(ids.parse("refund", text or ""))
    except NotFound:
        return None


def active_values(setting: str | None) -> list[str]:
    """Return the values of a credential. It holds two, with a comma between, during a rotation."""
    return [value.strip() for value in (setting or "").split(",") if value.strip()]


def read(reports: Callable[[], tuple[Report, ...]]) -> Reply:
    """Read an answer's reports. An answer that cannot be read leaves the outcome unknown."""
    answer = read_event(reports)
    return Unknown(f"unreadable: {answer.reason}") if isinstance(answer, Unreadable) else answer


def read_event(reports: Callable[[], tuple[Report, ...]]) -> Answered | Unreadable:
    """Read a webhook's reports, or return the reason for which they cannot be read."""
    try:
        return Answered(reports())
    except (Malformed, GroatError) as error:
        return Unreadable(str(error))


def own_or_foreign(reply: Reply) -> Reply | NotOurs:
    """Return ``FOREIGN`` if a reply about a capture names no payment of Groat, else the reply."""
    if isinstance(reply, Answered) and not any(report.payment_id for report in reply.reports):
        return FOREIGN
    return reply


def read_envelope(envelope: Callable[[], Envelope]) -> Envelope | Rejection:
    """Read an event's envelope, or return ``BODY_MALFORMED``."""
    try:
        return envelope()
    except Malformed:
        return Rejection.BODY_MALFORMED


def event_page(
    listed: Sequence[object], envelope: Callable[[bytes], Envelope], next_cursor: str | None
) -> EventPage:
    """Build a page from ``listed``, the events in the parsed JSON of a provider's list.

    Events whose envelope cannot be read are left out and counted.
    """
    read_one_by_one = [_listed_event(event, envelope) for event in listed]
    events = tuple(event for event in read_one_by_one if event is not None)
    return EventPage(events, next_cursor, unreadable=len(listed) - len(events))


def _listed_event(event: object, envelope: Callable[[bytes], Envelope]) -> ListedEvent | None:
    try:
        body = json.dumps(event, separators=(",", ":")).encode()
        return ListedEvent(envelope(body), body)
    except ValueError:  # it is no event, or it holds a number that JSON cannot write
        return None


def refusal(
    request: OperationRequest,
    code: FailureCode,
    decline_code: str | None = None,
    message: str | None = None,
) -> tuple[Report, ...]:
    """Report that the provider refused a request, which changed nothing there.

    ``decline_code`` and ``message`` are the provider's own.
    """
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
    fact = declined(code, decline_code, message)
    return (Report(request.payment_id, request.provider_reference, fact),)


def bounded(seconds: float) -> httpx.Timeout:
    """Return the time limits of one call of at most ``seconds``.

    The limit for connecting is shorter. A failed connection proves that nothing was sent. It must
    show before the whole call times out, which would leave the outcome unknown.
    """
    connecting = min(5.0, seconds / 2)
    return httpx.Timeout(seconds, connect=connecting)


def unreachable(error: BaseException) -> NotSent:
    """Report that a call was not sent, because ``error`` prevented the connection."""
    return NotSent(FailureCode.PROVIDER_UNREACHABLE, type(error).__name__)
