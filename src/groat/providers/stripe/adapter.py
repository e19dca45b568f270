"""The adapter for a Stripe account, through Stripe's official SDK."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal, TypeVar

import stripe
from stripe import RequestOptions, StripeResponse
from stripe.params import (
    EventListParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentListParamsCreated,
)

from groat.kernel.errors import InvalidRequest
from groat.merchants.domain.credentials import CredentialFields
from groat.providers.domain.facts import NotSent, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    FOREIGN,
    LIVEMODE,
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
    refund_reference,
)
from groat.providers.reading import (
    Malformed,
    active_values,
    convert,
    own_or_foreign,
    parse,
    read,
    read_envelope,
    read_event,
    refusal,
)
from groat.providers.stripe import errors, settlement_report, signature, translation
from groat.providers.stripe.connections import Connections
from groat.providers.stripe.payloads import (
    ChargePayload,
    EventOrigin,
    PaymentIntent,
    StripeEventPayload,
    StripeRefundPayload,
    ThinEvent,
)
from groat.providers.stripe.translation import (
    EVENT_TYPES,
    PAYMENT_METADATA,
    REFUND_METADATA,
    THIN,
)

_WITH_FEE = "latest_charge.balance_transaction"
"""Fields of a PaymentIntent to expand, so that it contains its charge and Stripe's fee."""
_PAGE_SIZE = 100
"""Number of objects to ask for on a page."""
_KEY_MODE = re.compile(r"[sr]k_(live|test)_")
"""Prefix of an API key, which names its mode."""
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""Maximum time by which Stripe's clock may be behind PostgreSQL's."""
_CALLED_WITHIN = timedelta(minutes=15)
"""Time after its beginning in which the engine calls most operations. A worker may call later."""
_NEEDS_METHOD = "A Stripe payment needs a payment_method, the id of a PaymentMethod."
_NOT_STRIPES = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Errors that the SDK raises if an answer does not come from Stripe or is incomplete."""

Found = TypeVar("Found")


class StripeProvider:
    """The ``Provider`` for a Stripe account.

    The SDK's own retries are off. The adapter makes each call once, with the operation's key. The
    engine resolves an outcome that stays unknown.
    """

    read_settlement_file = staticmethod(settlement_report.read_itemized_report)
    credential_fields = CredentialFields(
        needed=frozenset({"api_key"}),
        optional=frozenset({"webhook_secret", "account", "api_base"}),
    )
    """``webhook_secret`` holds two values, with a comma between, during a rotation. ``account`` is
    the connected account that a platform's key acts for. ``api_base`` is for a stand-in only."""

    keeps_keys_for = timedelta(hours=23)
    """An hour less than Stripe remembers keys (docs.stripe.com/api/idempotent_requests)."""

    captures_once = True
    """Stripe allows several captures of a payment only by agreement, and only for some cards."""

    lists_events_for = timedelta(days=30)
    """Source: docs.stripe.com/api/events/list."""

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        self._account = credentials.get("account")
        self._livemode = _livemode(credentials["api_key"])
        self._webhook_secrets = active_values(credentials.get("webhook_secret"))
        self._timeout_seconds = timeout_seconds
        self._http = Connections(timeout_seconds)
        base = credentials.get("api_base")
        client = stripe.StripeClient(
            credentials["api_key"],
            http_client=self._http,
            max_network_retries=0,
            base_addresses={"api": base} if base else None,
            stripe_account=self._account,
        )
        self._events = client.v1.events
        self._intents = client.v1.payment_intents
        self._charges = client.v1.charges
        self._refunds = client.v1.refunds
        self._retrievers: dict[str, Callable[[str], Awaitable[object]]] = {
            "charge": self._charges.retrieve_async,
            "dispute": client.v1.disputes.retrieve_async,
            "payment_intent": lambda intent_id: self._intents.retrieve_async(
                intent_id, {"expand": [_WITH_FEE]}
            ),
            "refund": client.v1.refunds.retrieve_async,
        }

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:  # noqa: ARG002 - only the method matters
        """Return a sentence for the caller if there is no payment method, else None."""
        if payment_method is None:
            return _NEEDS_METHOD
        return None

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Create and confirm a PaymentIntent, or continue the PaymentIntent of an earlier try."""
        if request.provider_reference is not None:
            return await self._continue(request, request.provider_reference)
        try:
            order = _order(request)
        except InvalidRequest:
            return Answered(refusal(request, FailureCode.METHOD_NOT_SUPPORTED))
        return await self._change(request, self._intents.create_async(order, _with_key(request)))

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture a PaymentIntent. Stripe releases the rest of the authorization."""
        try:
            units = translation.stripe_units(request.amount)
        except InvalidRequest:
            return Answered(refusal(request, FailureCode.METHOD_NOT_SUPPORTED))
        call = self._intents.capture_async(
            request.authorization_reference,
            {"amount_to_capture": units, "expand": [_WITH_FEE]},
            _with_key(request),
        )
        return await self._change(request, call)

    async def cancel(self, request: CancelRequest) -> Reply:
        """Cancel a PaymentIntent."""
        call = self._intents.cancel_async(request.provider_reference, {}, _with_key(request))
        return await self._change(request, call)

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a charge, or a part of it."""
        try:
            units = translation.stripe_units(request.amount)
        except InvalidRequest:
            return Answered(refusal(request, FailureCode.METHOD_NOT_SUPPORTED))
        call = self._refunds.create_async(
            {
                "charge": request.capture_reference,
                "amount": units,
                "metadata": {
                    PAYMENT_METADATA: payment_reference(request.payment_id),
                    REFUND_METADATA: refund_reference(request.refund_id),
                },
            },
            _with_key(request),
        )
        answer = await self._answer(request, call)
        if isinstance(answer, Answered | NotSent | Unknown):
            return answer
        return read(
            lambda: translation.refund_reports(convert(StripeRefundPayload, _as_json(answer)))
        )

    async def fetch(self, request: OperationRequest) -> Reply:
        """Look up an operation by its PaymentIntent, or a refund in the list of its payment.

        Without the PaymentIntent's id, this method searches for it by the payment's id. Stripe's
        search may be a minute behind (docs.stripe.com/search), so an empty result proves nothing.
        Accounts in some countries have no search. For them, it lists PaymentIntents instead.
        """
        match request:
            case RefundRequest():
                return await self._find_refund(request)
            case _ if request.provider_reference is not None:
                intent = await self._retrieve(request.provider_reference)
                if isinstance(intent, Unknown):
                    return intent
                return read(lambda: translation.intent_reports(intent))
            case _:
                found = await self._search(request)
                if isinstance(found, Unknown) and isinstance(request, AuthorizeRequest):
                    return await self._find_listed(request) or found
                return found

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Verify the signature with every active secret."""
        return signature.verify(headers.get("stripe-signature"), body, self._webhook_secrets, now)

    def read_envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:  # noqa: ARG002 - Stripe signs the body, and no transmission
        """Read the event's id and type."""
        return read_envelope(lambda: translation.envelope(body))

    def read_webhook(self, event_type: str, body: bytes) -> Answered | Unreadable | NotOurs | None:
        """Read the event, whose body Stripe has signed. Return None for a thin event.

        A thin event contains no object, only the id to ask for.
        """
        if event_type not in EVENT_TYPES:
            is_thin = event_type.removeprefix(THIN) in EVENT_TYPES
            return self._not_ours_by_origin(body) or (None if is_thin else Answered(()))
        try:
            event = parse(StripeEventPayload, body)
        except Malformed as error:
            return self._not_ours_by_origin(body) or Unreadable(str(error))
        not_ours = self._not_ours(event.livemode, event.account)
        return not_ours or read_event(lambda: translation.event_reports(event_type, event))

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply | Unreadable | NotOurs:
        """Read the event. For a thin event, retrieve its object from Stripe."""
        answer = self.read_webhook(event_type, body)
        if answer is not None:
            return answer
        return await self._interpret_thin(event_type.removeprefix(THIN), body)

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Retrieve the charge. Its metadata is that of its PaymentIntent, with the payment's id."""
        answer = await self._look_up(_if_there(self._charges.retrieve_async(reference)))
        if isinstance(answer, Unknown):
            return answer
        if answer is None:
            return FOREIGN
        reply = read(lambda: translation.charge_reports(convert(ChargePayload, _as_json(answer))))
        return own_or_foreign(reply)

    async def list_events(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """List events, newest first, including those that Stripe counts as delivered.

        Stripe's own view of deliveries is not enough. While an endpoint is disabled, Stripe records
        no failed delivery. An endpoint that accepted an event may have lost it since. Stripe
        renders each event in the API version of its time, which its webhook has too.
        """
        params: EventListParams = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": _PAGE_SIZE,
        }
        if cursor is not None:
            params["starting_after"] = cursor
        answer = await self._look_up(self._events.list_async(params))
        if isinstance(answer, Unknown):
            return answer
        try:
            return translation.listed_events(_as_sent(answer))
        except Malformed:
            return Unknown("unreadable: not a list of events")

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

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
        answer = await self._look_up(self._retrievers[related.type](related.id))
        if isinstance(answer, Unknown):
            return answer
        event = {"data": {"object": _as_json(answer)}}
        return read(
            lambda: translation.event_reports(event_type, convert(StripeEventPayload, event))
        )

    async def _change(self, request: OperationRequest, call: Awaitable[object]) -> Reply:
        """Make a call that changes a PaymentIntent; return the reports of its new state."""
        answer = await self._answer(request, call)
        if isinstance(answer, Answered | NotSent | Unknown):
            return answer
        return read(lambda: translation.intent_reports(convert(PaymentIntent, _as_json(answer))))

    async def _continue(self, request: AuthorizeRequest, reference: str) -> Reply:
        """Continue a PaymentIntent that an earlier try has created.

        If it cannot be retrieved, its outcome is unknown: it exists, and may still succeed.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                intent = await self._retrieve(reference)
                if isinstance(intent, Unknown):
                    return intent
                if intent.status == "requires_confirmation":
                    return await self._confirm(request, reference)
        except TimeoutError:
            return Unknown("timeout")
        return read(lambda: translation.intent_reports(intent))

    async def _confirm(self, request: AuthorizeRequest, reference: str) -> Reply:
        """Confirm a PaymentIntent with a key of its own.

        Stripe knows the operation's key as that of the creation.
        """
        params: PaymentIntentConfirmParams = {"expand": [_WITH_FEE]}
        if request.return_url is not None:
            params["return_url"] = request.return_url
        options: RequestOptions = {"idempotency_key": f"{request.idempotency_key}/confirm"}
        return await self._change(request, self._intents.confirm_async(reference, params, options))

    async def _retrieve(self, reference: str) -> PaymentIntent | Unknown:
        call = self._intents.retrieve_async(reference, {"expand": [_WITH_FEE]})
        answer = await self._look_up(call)
        if isinstance(answer, Unknown):
            return answer
        try:
            return convert(PaymentIntent, _as_json(answer))
        except Malformed:
            return Unknown("unreadable: not a PaymentIntent")

    async def _search(self, request: OperationRequest) -> Reply:
        query = f"metadata['{PAYMENT_METADATA}']:'{payment_reference(request.payment_id)}'"
        call = self._intents.search_async({"query": query, "expand": [f"data.{_WITH_FEE}"]})
        answer = await self._look_up(call)
        if isinstance(answer, Unknown):
            return answer
        return read(lambda: translation.found_reports(_as_json(answer)))

    async def _find_listed(self, request: AuthorizeRequest) -> Reply | None:
        """Search the list of PaymentIntents since the operation began, first near that time."""
        if request.begun_at is None:
            return None
        since = int((request.begun_at - _CLOCKS_DIFFER_BY).timestamp())
        soon = int((request.begun_at + _CALLED_WITHIN).timestamp())
        payment_ref = payment_reference(request.payment_id)
        near = await self._look_up(self._intents_of({"gte": since, "lte": soon}, payment_ref))
        found = near or await self._look_up(self._intents_of({"gt": soon}, payment_ref))
        if isinstance(found, Unknown):
            return found
        return read(lambda: translation.found_reports({"data": found}))

    async def _intents_of(
        self, created: PaymentIntentListParamsCreated, payment_ref: str
    ) -> list[object]:
        """Return the PaymentIntent of ``payment_ref`` among those ``created`` in a span.

        The list has one element, or none if no metadata names that payment.
        """
        page = await self._intents.list_async(
            {"created": created, "limit": _PAGE_SIZE, "expand": [f"data.{_WITH_FEE}"]}
        )
        async for intent in page.auto_paging_iter():
            listed = intent.to_dict()
            if (listed.get("metadata") or {}).get(PAYMENT_METADATA) == payment_ref:
                return [listed]
        return []

    async def _find_refund(self, request: RefundRequest) -> Reply:
        """Find a refund in the list of its payment. Unlike a search, the list is up to date."""
        refund_ref = refund_reference(request.refund_id)
        answer = await self._look_up(self._refunds_of(request.provider_reference))
        if isinstance(answer, Unknown):
            return answer

        def reports() -> tuple[Report, ...]:
            refunds = [convert(StripeRefundPayload, listed) for listed in answer]
            return tuple(
                report
                for refund in refunds
                if (refund.metadata or {}).get(REFUND_METADATA) == refund_ref
                for report in translation.refund_reports(refund)
            )

        return read(reports)

    async def _refunds_of(self, reference: str) -> list[object]:
        page = await self._refunds.list_async({"payment_intent": reference, "limit": _PAGE_SIZE})
        return [refund.to_dict() async for refund in page.auto_paging_iter()]

    async def _answer(self, request: OperationRequest, call: Awaitable[object]) -> object:
        """Make a call that changes something. Return the SDK's answer, or a reply if it failed."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await call
        except stripe.StripeError as error:
            return errors.failure(error, request)
        except TimeoutError:
            return Unknown("timeout")
        except _NOT_STRIPES as error:
            return Unknown(f"unreadable: {type(error).__name__}")

    async def _look_up(self, call: Awaitable[Found]) -> Found | Unknown:
        """Make a call that only reads. Return its answer, or ``Unknown`` if it failed."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await call
        except stripe.StripeError as error:
            return errors.unknown(error)
        except TimeoutError:
            return Unknown("timeout")
        except _NOT_STRIPES as error:
            return Unknown(f"unreadable: {type(error).__name__}")


def _order(request: AuthorizeRequest) -> PaymentIntentCreateParams:
    """Return the parameters that create a PaymentIntent.

    ``capture_method`` is not ``automatic_async``: then the answer would not contain the fee yet.

    Raises:
        InvalidRequest: ``amount_not_supported``; or ``invalid_payment_method`` if there is none.
    """
    if request.payment_method is None:
        raise InvalidRequest("invalid_payment_method", _NEEDS_METHOD)
    redirects: Literal["always", "never"] = "always" if request.return_url else "never"
    order: PaymentIntentCreateParams = {
        "amount": translation.stripe_units(request.amount),
        "currency": request.amount.currency.lower(),
        "payment_method": request.payment_method,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects},
        "capture_method": "automatic" if request.capture else "manual",
        "confirm": True,
        "metadata": {PAYMENT_METADATA: payment_reference(request.payment_id)},
        "expand": [_WITH_FEE],
    }
    if request.return_url is not None:
        order["return_url"] = request.return_url
    return order


def _livemode(api_key: str) -> bool | None:
    """Tell whether an API key is for live mode; None if its prefix does not tell.

    Source: docs.stripe.com/keys.
    """
    mode = _KEY_MODE.match(api_key)
    return None if mode is None else mode[1] == "live"


async def _if_there(call: Awaitable[Found]) -> Found | None:
    """Return the object that a call retrieves, None if Stripe does not know it."""
    try:
        return await call
    except stripe.InvalidRequestError as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _with_key(request: OperationRequest) -> RequestOptions:
    return {"idempotency_key": request.idempotency_key}


def _as_sent(answer: object) -> object:
    """Return the parsed JSON of an answer, before the SDK turned it into its own objects."""
    sent = getattr(answer, "last_response", None)
    return sent.data if isinstance(sent, StripeResponse) else None


def _as_json(answer: object) -> object:
    """Return an object of the SDK as parsed JSON."""
    return answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer
