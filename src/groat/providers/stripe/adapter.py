"""Stripe through its official SDK: one account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import httpx
import stripe
from pydantic import ValidationError

from groat.kernel.errors import GroatError
from groat.providers.domain.declines import from_stripe
from groat.providers.domain.facts import Declined, Report
from groat.providers.port import (
    Answered,
    Authorization,
    Envelope,
    NotSent,
    Rejection,
    Reply,
    Unknown,
)
from groat.providers.reading import active_values, first_line, own_reference
from groat.providers.stripe import signature, translation
from groat.providers.stripe.translation import (
    EVENT_TYPES,
    PAYMENT_METADATA,
    Event,
    EventEnvelope,
    PaymentIntent,
)

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class StripeProvider:
    """The ``Provider`` for a Stripe account.

    The SDK's own retries are off: each call is made once, with the operation's key, and what it
    leaves unknown is resolved by the engine.
    """

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        self._webhook_secrets = active_values(credentials.get("webhook_secret"))
        self._timeout_seconds = timeout_seconds
        self._http = stripe.HTTPXClient(timeout=timeout_seconds)
        base = credentials.get("api_base")
        self._client = stripe.StripeClient(
            credentials["api_key"],
            http_client=self._http,
            max_network_retries=0,
            base_addresses={"api": base} if base else None,
        )

    async def authorize(self, authorization: Authorization) -> Reply:
        """Create and confirm a PaymentIntent."""
        reference = own_reference(authorization.payment_id)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                intent = await self._client.v1.payment_intents.create_async(
                    {
                        "amount": authorization.amount.amount,
                        "currency": authorization.amount.currency.lower(),
                        "payment_method": authorization.payment_method,
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "confirm": True,
                        "metadata": {PAYMENT_METADATA: reference},
                    },
                    {"idempotency_key": authorization.idempotency_key},
                )
            return _answer(intent.to_dict())
        except stripe.StripeError as error:
            return _failure(error, authorization)
        except TimeoutError:
            return Unknown("timeout")

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Check the signature with every active secret."""
        return signature.verify(headers.get("stripe-signature"), body, self._webhook_secrets, now)

    def read_envelope(self, body: bytes) -> Envelope | Rejection:
        """Return the event's id and type."""
        try:
            event = EventEnvelope.model_validate_json(body)
        except ValidationError:
            return Rejection.BODY_MALFORMED
        return Envelope(event.id, event.type)

    async def interpret_webhook(self, body: bytes) -> Reply:
        """Read the event; what Stripe signed, it says."""
        try:
            if EventEnvelope.model_validate_json(body).type not in EVENT_TYPES:
                return Answered(())
            return Answered(translation.event_reports(Event.model_validate_json(body)))
        except (ValidationError, GroatError) as error:
            return Unknown(f"unreadable event: {first_line(error)}")

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _answer(payload: Mapping[str, object]) -> Reply:
    """Return what a PaymentIntent in a reply says; one that cannot be read leaves it unknown."""
    try:
        return Answered(translation.intent_reports(PaymentIntent.model_validate(payload)))
    except (ValidationError, GroatError) as error:
        return Unknown(f"unreadable answer: {first_line(error)}")


def _failure(error: stripe.StripeError, authorization: Authorization) -> Reply:
    """Sort an error into a refusal, a call that was never sent, or an unknown outcome.

    Source: docs.stripe.com/error-handling. A 4xx is a definite no; 409 says that the first call
    with the key is still running, and 429 that this one was not begun.
    """
    match error:
        case stripe.CardError():
            return Answered((_decline(error, authorization),))
        case stripe.RateLimitError():
            return NotSent("rate_limited")
        case stripe.APIConnectionError() if isinstance(error.__cause__, _NEVER_SENT):
            return NotSent(f"connection: {type(error.__cause__).__name__}")
        case (
            stripe.AuthenticationError() | stripe.PermissionError() | stripe.InvalidRequestError()
        ) if error.http_status in {400, 401, 403, 404}:
            return Answered((_refusal(authorization),))
    return Unknown(f"{type(error).__name__} {error.http_status or ''}".strip())


def _decline(error: stripe.CardError, authorization: Authorization) -> Report:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    details = body.get("error", {})
    intent = (details.get("payment_intent") or {}).get("id")
    code = from_stripe(details.get("decline_code"), error.code)
    return Report(authorization.payment_id, intent, Declined(code))


def _refusal(authorization: Authorization) -> Report:
    return Report(authorization.payment_id, None, Declined("rejected_by_provider"))
