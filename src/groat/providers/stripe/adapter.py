"""Stripe through its official SDK: one account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import stripe

from groat.kernel.errors import InvalidRequest
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    Answered,
    Authorization,
    Envelope,
    Rejection,
    Reply,
    Unknown,
)
from groat.providers.reading import (
    NEVER_SENT,
    active_values,
    bounded,
    read,
    read_envelope,
    refusal,
    unreachable,
)
from groat.providers.stripe import signature, translation
from groat.providers.stripe.translation import (
    EVENT_TYPES,
    PAYMENT_METADATA,
    Event,
    PaymentIntent,
)


class StripeProvider:
    """The ``Provider`` for a Stripe account.

    The SDK's own retries are off: each call is made once, with the operation's key, and what it
    leaves unknown is resolved by the engine.
    """

    keeps_keys_for = timedelta(hours=23)
    """An hour less than Stripe does (docs.stripe.com/api/idempotent_requests)."""

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        self._webhook_secrets = active_values(credentials.get("webhook_secret"))
        self._timeout_seconds = timeout_seconds
        self._http = stripe.HTTPXClient(timeout=bounded(timeout_seconds))
        base = credentials.get("api_base")
        self._client = stripe.StripeClient(
            credentials["api_key"],
            http_client=self._http,
            max_network_retries=0,
            base_addresses={"api": base} if base else None,
        )

    async def authorize(self, authorization: Authorization) -> Reply:
        """Create and confirm a PaymentIntent."""
        try:
            units = translation.stripe_units(authorization.amount)
            async with asyncio.timeout(self._timeout_seconds):
                intent = await self._client.v1.payment_intents.create_async(
                    {
                        "amount": units,
                        "currency": authorization.amount.currency.lower(),
                        "payment_method": authorization.payment_method,
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "confirm": True,
                        "metadata": {PAYMENT_METADATA: authorization.own_reference},
                    },
                    {"idempotency_key": authorization.idempotency_key},
                )
        except InvalidRequest:
            return Answered(refusal(authorization, FailureCode.METHOD_NOT_SUPPORTED))
        except stripe.StripeError as error:
            return _failure(error, authorization)
        except TimeoutError:
            return Unknown("timeout")
        return read(
            lambda: translation.intent_reports(PaymentIntent.model_validate(intent.to_dict()))
        )

    async def fetch(self, authorization: Authorization) -> Reply:
        """Search for PaymentIntents by our reference in their metadata.

        Stripe's search may be a minute behind (docs.stripe.com/search): finding nothing proves
        nothing.
        """
        query = f"metadata['{PAYMENT_METADATA}']:'{authorization.own_reference}'"
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await self._client.v1.payment_intents.search_async({"query": query})
        except (stripe.StripeError, TimeoutError) as error:
            return Unknown(type(error).__name__)
        return read(lambda: translation.found_reports(found.to_dict()))

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Check the signature with every active secret."""
        return signature.verify(headers.get("stripe-signature"), body, self._webhook_secrets, now)

    def read_envelope(self, body: bytes) -> Envelope | Rejection:
        """Return the event's id and type."""
        return read_envelope(lambda: translation.envelope(body))

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply:
        """Read the event; what Stripe signed, it says."""
        if event_type not in EVENT_TYPES:
            return Answered(())
        return read(lambda: translation.event_reports(Event.model_validate_json(body)))

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _failure(error: stripe.StripeError, authorization: Authorization) -> Reply:
    """Sort an error into a refusal, a call that was not begun, or an unknown outcome.

    Source: docs.stripe.com/error-handling. A 4xx is a definite no, but for 409, which says that
    the first call with the key is still running. 401, 403 and 429 come before anything is begun.
    """
    match error:
        case stripe.CardError():
            return read(lambda: translation.decline_reports(error.json_body, authorization))
        case stripe.APIConnectionError(__cause__=cause) if isinstance(cause, NEVER_SENT):
            return unreachable(cause)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return NotSent(FailureCode.CREDENTIALS_REFUSED, f"status {error.http_status}")
        case stripe.RateLimitError():
            return NotSent(FailureCode.RATE_LIMITED, "status 429")
        case stripe.InvalidRequestError(http_status=400 | 404):
            return Answered(refusal(authorization, FailureCode.REJECTED_BY_PROVIDER))
        case _:
            return Unknown(f"{type(error).__name__} {error.http_status or ''}".strip())
