"""Make the calls of operations at Stripe, and translate the answers to reports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from stripe import RequestOptions

from groat.kernel.errors import InvalidRequest
from groat.providers.domain.facts import NotSent, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    OperationRequest,
    RefundRequest,
    Reply,
    Unknown,
)
from groat.providers.reading import convert, read, refusal
from groat.providers.stripe import bodies, translation
from groat.providers.stripe.client import StripeClient, as_json
from groat.providers.stripe.lookups import StripeLookups
from groat.providers.stripe.payloads import PaymentIntent


class StripeOperations:
    """The ``Operations`` of a Stripe account. Each call is made once, with the operation's key."""

    keeps_keys_for = timedelta(hours=23)
    """An hour less than Stripe remembers keys (docs.stripe.com/api/idempotent_requests)."""

    captures_once = True
    """Stripe allows several captures of a payment only by agreement, and only for some cards."""

    def __init__(self, client: StripeClient, lookups: StripeLookups) -> None:
        self._client = client
        self._lookups = lookups

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:  # noqa: ARG002 - only the method matters
        """Return a sentence for the caller if there is no payment method, else None."""
        return bodies.NEEDS_METHOD if payment_method is None else None

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Create and confirm a PaymentIntent, or continue that of an earlier try or attempt."""
        if request.provider_reference is not None:
            return await self._continue(request, request.provider_reference)
        if request.declined_reference is not None:
            return await self._try_again(request, request.declined_reference)
        intents, key = self._client.intents, _with_key(request)
        return await self._change(
            request, lambda: intents.create_async(bodies.intent(request), key), _intent_reports
        )

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture a PaymentIntent. Stripe releases the rest of the authorization."""
        intents, reference = self._client.intents, request.authorization_reference
        return await self._change(
            request,
            lambda: intents.capture_async(reference, bodies.capture(request), _with_key(request)),
            _intent_reports,
        )

    async def cancel(self, request: CancelRequest) -> Reply:
        """Cancel a PaymentIntent."""
        intents, reference = self._client.intents, request.provider_reference
        return await self._change(
            request,
            lambda: intents.cancel_async(reference, {}, _with_key(request)),
            _intent_reports,
        )

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a charge, or a part of it."""
        refunds, key = self._client.refunds, _with_key(request)
        return await self._change(
            request,
            lambda: refunds.create_async(bodies.refund(request), key),
            translation.found_refund_reports,
        )

    async def _change(
        self,
        request: OperationRequest,
        call: Callable[[], Awaitable[object]],
        reports: Callable[[object], tuple[Report, ...]],
    ) -> Reply:
        """Make the call of an operation, or refuse it if its parameters cannot be built.

        For example, Stripe does not take 10.501 BHD.
        """
        try:
            calling = call()
        except InvalidRequest:
            return Answered(refusal(request, FailureCode.METHOD_NOT_SUPPORTED))
        answer = await self._client.change(request, calling)
        if isinstance(answer, Answered | NotSent | Unknown):
            return answer
        return read(lambda: reports(as_json(answer)))

    async def _continue(self, request: AuthorizeRequest, reference: str) -> Reply:
        """Continue a PaymentIntent that an earlier try has created.

        If it cannot be retrieved, its outcome is unknown: it exists, and may still succeed.
        """
        try:
            async with asyncio.timeout(self._client.timeout_seconds):
                intent = await self._lookups.intent(reference)
                if isinstance(intent, Unknown):
                    return intent
                if intent.status == "requires_confirmation":
                    return await self._confirm(request, reference)
        except TimeoutError:
            return Unknown("timeout")
        return read(lambda: translation.intent_reports(intent))

    async def _try_again(self, request: AuthorizeRequest, reference: str) -> Reply:
        """Confirm a declined PaymentIntent with another payment method.

        The first call names the operation in the metadata. So the decline of the earlier attempt
        and a decline of this one can be told apart afterwards.
        """
        intents = self._client.intents
        key: RequestOptions = {"idempotency_key": f"{request.idempotency_key}/method"}
        try:
            async with asyncio.timeout(self._client.timeout_seconds):
                prepared = await self._change(
                    request,
                    lambda: intents.update_async(reference, bodies.next_attempt(request), key),
                    lambda _: (),
                )
                if prepared != Answered(()):
                    return _still_open(prepared, request, reference)
                return await self._confirm(request, reference)
        except TimeoutError:
            return Unknown("timeout")

    async def _confirm(self, request: AuthorizeRequest, reference: str) -> Reply:
        """Confirm a PaymentIntent with a key of its own.

        Stripe knows the operation's key as that of the creation.
        """
        intents = self._client.intents
        key: RequestOptions = {"idempotency_key": f"{request.idempotency_key}/confirm"}
        confirmed = await self._change(
            request,
            lambda: intents.confirm_async(reference, bodies.confirmation(request), key),
            _intent_reports,
        )
        return _still_open(confirmed, request, reference)


def _still_open(reply: Reply, request: AuthorizeRequest, reference: str) -> Reply:
    if not isinstance(reply, Answered):
        return reply
    return Answered(translation.still_open(reply.reports, request, reference))


def _with_key(request: OperationRequest) -> RequestOptions:
    return {"idempotency_key": request.idempotency_key}


def _intent_reports(answer: object) -> tuple[Report, ...]:
    return translation.intent_reports(convert(PaymentIntent, answer))
