"""The client of Stripe's API: make a call through the SDK, and classify its answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from functools import cache
from http import HTTPStatus
from typing import TypeVar

import httpx
import stripe
from stripe import StripeResponse

from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, OperationRequest, Unknown
from groat.providers.reading import NO_QUEUE, bounded
from groat.providers.stripe import errors

PAGE_SIZE = 100
"""Number of objects to ask for on a page."""

_NOT_STRIPES = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Errors that the SDK raises if an answer does not come from Stripe or is incomplete."""

Found = TypeVar("Found")


class StripeClient:
    """Stripe's resources for one account, through the SDK.

    The SDK's own retries are off. Each call is made once. The engine resolves an outcome that stays
    unknown.
    """

    def __init__(
        self, api_key: str, account: str | None, base: str | None, timeout_seconds: float
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self._http = Connections(timeout_seconds)
        resources = stripe.StripeClient(
            api_key,
            http_client=self._http,
            max_network_retries=0,
            base_addresses={"api": base} if base else None,
            stripe_account=account,
        ).v1
        self.balance = resources.balance
        self.balance_transactions = resources.balance_transactions
        self.charges = resources.charges
        self.disputes = resources.disputes
        self.events = resources.events
        self.intents = resources.payment_intents
        self.payouts = resources.payouts
        self.refunds = resources.refunds

    async def change(
        self, request: OperationRequest, call: Awaitable[Found]
    ) -> Found | Answered | NotSent | Unknown:
        """Make a call that changes something. Return its answer, or a reply if it failed."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await call
        except stripe.StripeError as error:
            return errors.failure(error, request)
        except TimeoutError:
            return Unknown("timeout")
        except _NOT_STRIPES as error:
            return Unknown(f"unreadable: {type(error).__name__}")

    async def look_up(self, call: Awaitable[Found]) -> Found | Unknown:
        """Make a call that only reads. Return its answer, or ``Unknown`` if it failed."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await call
        except stripe.StripeError as error:
            return errors.unknown(error)
        except TimeoutError:
            return Unknown("timeout")
        except _NOT_STRIPES as error:
            return Unknown(f"unreadable: {type(error).__name__}")

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


class Connections(stripe.HTTPXClient):
    """The SDK's HTTP client without its limit of 100 connections, which the SDK cannot change.

    See ``NO_QUEUE`` for the reason.
    """

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(timeout=bounded(timeout_seconds))
        self._client_async = httpx.AsyncClient(verify=_trusted(), limits=NO_QUEUE)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the TLS context that all accounts share. It trusts the SDK's own authorities."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)


async def if_there(call: Awaitable[Found]) -> Found | None:
    """Return the object that a call retrieves, None if Stripe does not know it."""
    try:
        return await call
    except stripe.InvalidRequestError as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        return None


def as_sent(answer: object) -> object:
    """Return the parsed JSON of an answer, before the SDK turned it into its own objects."""
    sent = getattr(answer, "last_response", None)
    return sent.data if isinstance(sent, StripeResponse) else None


def as_json(answer: object) -> object:
    """Return an object of the SDK as parsed JSON."""
    return answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer
