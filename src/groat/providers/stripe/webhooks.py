"""Verify and read Stripe's webhooks. A thin event contains no object, only the id to ask for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from groat.providers.domain.facts import Report
from groat.providers.port import (
    FOREIGN,
    LIVEMODE,
    Answered,
    Envelope,
    NotOurs,
    Rejection,
    Reply,
    Unknown,
    Unreadable,
)
from groat.providers.reading import Malformed, convert, parse, read, read_envelope, read_event
from groat.providers.stripe import events, signature, translation
from groat.providers.stripe.bodies import FAILURE_MOVEMENT, MOVEMENT, WITH_MOVEMENT
from groat.providers.stripe.client import PAGE_SIZE, StripeClient, as_json
from groat.providers.stripe.events import EVENT_TYPES, THIN
from groat.providers.stripe.payloads import (
    ChargePayload,
    EventOrigin,
    StripeEventPayload,
    StripeRefundPayload,
    ThinEvent,
)

_KEY_MODE = re.compile(r"[sr]k_(live|test)_")
"""Prefix of an API key, which names its mode."""


class StripeWebhooks:
    """The ``Webhooks`` of a Stripe account, signed with one of ``secrets``.

    ``account`` is the connected account that a platform's key acts for, None for the key's own.
    """

    def __init__(
        self, client: StripeClient, api_key: str, account: str | None, secrets: Sequence[str]
    ) -> None:
        self._livemode = _livemode(api_key)
        self._account = account
        self._secrets = secrets
        self._client = client
        self._retrievers: dict[str, Callable[[str], Awaitable[object]]] = {
            "charge": self._charge,
            "dispute": client.disputes.retrieve_async,
            "payment_intent": lambda intent_id: client.intents.retrieve_async(
                intent_id, {"expand": [WITH_MOVEMENT]}
            ),
            "refund": lambda refund_id: client.refunds.retrieve_async(
                refund_id, {"expand": [MOVEMENT]}
            ),
        }

    async def verify(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Verify the signature with every active secret."""
        return signature.verify(headers.get("stripe-signature"), body, self._secrets, now)

    def envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:  # noqa: ARG002 - Stripe signs the body, and no transmission
        """Read the event's id and type."""
        return read_envelope(lambda: events.envelope(body))

    def read(self, event_type: str, body: bytes) -> Answered | Unreadable | NotOurs | None:
        """Read the event, whose body Stripe has signed.

        Return None for a thin event, and for an event whose movements or refunds Stripe has to be
        asked for.
        """
        if event_type not in EVENT_TYPES:
            is_thin = event_type.removeprefix(THIN) in EVENT_TYPES
            return self._not_ours_by_origin(body) or (None if is_thin else Answered(()))
        try:
            event = parse(StripeEventPayload, body)
        except Malformed as error:
            return self._not_ours_by_origin(body) or Unreadable(str(error))
        not_ours = self._not_ours(event.livemode, event.account)
        if not_ours is None and events.lacks_something(event_type, event):
            return None
        return not_ours or read_event(lambda: events.event_reports(event_type, event))

    async def interpret(self, event_type: str, body: bytes) -> Reply | Unreadable | NotOurs:
        """Read the event, and ask Stripe for its object if it is thin or lacks something."""
        answer = self.read(event_type, body)
        if answer is not None:
            return answer
        if event_type not in EVENT_TYPES:
            return await self._interpret_thin(event_type.removeprefix(THIN), body)
        return await self._completed(event_type, parse(StripeEventPayload, body))

    async def _completed(self, event_type: str, event: StripeEventPayload) -> Reply:
        """Retrieve the object of an event with its movements, or the refunds of its charge."""
        match event.data.object:
            case ChargePayload(id=charge_id) if event_type == "charge.refunded":
                listed = self._client.refunds.list_async(
                    {"charge": charge_id, "limit": PAGE_SIZE, "expand": [f"data.{MOVEMENT}"]}
                )
                return await self._reply(listed, translation.listed_refund_reports)
            case StripeRefundPayload(id=refund_id):
                both = self._client.refunds.retrieve_async(
                    refund_id, {"expand": [MOVEMENT, FAILURE_MOVEMENT]}
                )
                return await self._reply(both, translation.found_refund_reports)
            case found:
                return await self._reply(self._charge(found.id), translation.found_charge_reports)

    async def _charge(self, charge_id: str) -> object:
        expand = [MOVEMENT, FAILURE_MOVEMENT]
        return await self._client.charges.retrieve_async(charge_id, {"expand": expand})

    async def _reply(
        self, call: Awaitable[object], reports: Callable[[object], tuple[Report, ...]]
    ) -> Reply:
        answer = await self._client.look_up(call)
        if isinstance(answer, Unknown):
            return answer
        return read(lambda: reports(as_json(answer)))

    def _not_ours_by_origin(self, body: bytes) -> NotOurs | None:
        """Return ``FOREIGN`` or ``LIVEMODE`` if an event of any type is not for this account."""
        try:
            origin = parse(EventOrigin, body)
        except Malformed:
            return None
        return self._not_ours(origin.livemode, origin.account or origin.context)

    def _not_ours(self, livemode: bool | None, account: str | None) -> NotOurs | None:  # noqa: FBT001 - as the event has it
        if account is not None and account != self._account:
            return FOREIGN
        known = self._livemode is not None and livemode is not None
        return LIVEMODE if known and livemode is not self._livemode else None

    async def _interpret_thin(self, event_type: str, body: bytes) -> Reply | Unreadable:
        try:
            related = parse(ThinEvent, body).related_object
        except Malformed:
            return Unreadable("the thin event names no related object")
        answer = await self._client.look_up(self._retrievers[related.type](related.id))
        if isinstance(answer, Unknown):
            return answer
        event = {"data": {"object": as_json(answer)}}
        return read(lambda: events.event_reports(event_type, convert(StripeEventPayload, event)))


def _livemode(api_key: str) -> bool | None:
    """Tell whether an API key is for live mode; None if its prefix does not tell.

    Source: docs.stripe.com/keys.
    """
    mode = _KEY_MODE.match(api_key)
    return None if mode is None else mode[1] == "live"
