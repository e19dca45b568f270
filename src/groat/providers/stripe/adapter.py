"""Stripe through its official SDK: one account."""

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
from groat.providers.stripe import errors, signature, translation
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
_PAGE_SIZE = 100
_KEY_MODE = re.compile(r"[sr]k_(live|test)_")
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far Stripe's clock may be behind PostgreSQL's."""
_CALLED_WITHIN = timedelta(minutes=15)
"""Time after its beginning within which most operations are called; a worker may call later."""
_NEEDS_METHOD = "A Stripe payment needs a payment_method, the id of a PaymentMethod."
_NOT_STRIPES = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What the SDK stumbles over where an answer is not Stripe's, or not whole."""

Found = TypeVar("Found")


class StripeProvider:
    """The ``Provider`` for a Stripe account.

    The SDK's own retries are off: each call is made once, with the operation's key, and what it
    leaves unknown is resolved by the engine.
    """

    credential_fields = CredentialFields(
        needed=frozenset({"api_key"}),
        optional=frozenset({"webhook_secret", "account", "api_base"}),
    )
    """``webhook_secret`` is two values while it rotates. ``account`` is the connected account that
    a platform's key acts for. ``api_base`` is for a stand-in only."""

    keeps_keys_for = timedelta(hours=23)
    """An hour less than Stripe does (docs.stripe.com/api/idempotent_requests)."""

    captures_once = True
    """Capturing in several goes is a feature that Stripe enables by agreement, for some cards."""

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
            "payment_intent": lambda one: self._intents.retrieve_async(
                one, {"expand": [_WITH_FEE]}
            ),
            "refund": client.v1.refunds.retrieve_async,
        }

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:  # noqa: ARG002 - it is asked for the method alone
        """Return that a payment at Stripe needs a PaymentMethod, if there is none."""
        if payment_method is None:
            return _NEEDS_METHOD
        return None

    async def authorize(self, request: AuthorizeRequest) -> Reply:
        """Create and confirm a PaymentIntent, or go on with the one that was created."""
        if request.provider_reference is not None:
            return await self._go_on(request, request.provider_reference)
        try:
            order = _order(request)
        except InvalidRequest:
            return Answered(refusal(request, FailureCode.METHOD_NOT_SUPPORTED))
        return await self._move(request, self._intents.create_async(order, _once(request)))

    async def capture(self, request: CaptureRequest) -> Reply:
        """Capture a PaymentIntent; Stripe releases the rest of what is authorized."""
        try:
            units = translation.stripe_units(request.amount)
        except InvalidRequest:
            return Answered(refusal(request, FailureCode.METHOD_NOT_SUPPORTED))
        call = self._intents.capture_async(
            request.authorization_reference,
            {"amount_to_capture": units, "expand": [_WITH_FEE]},
            _once(request),
        )
        return await self._move(request, call)

    async def cancel(self, request: CancelRequest) -> Reply:
        """Cancel a PaymentIntent."""
        call = self._intents.cancel_async(request.provider_reference, {}, _once(request))
        return await self._move(request, call)

    async def refund(self, request: RefundRequest) -> Reply:
        """Refund a charge."""
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
            _once(request),
        )
        answer = await self._answer(request, call)
        if isinstance(answer, Answered | NotSent | Unknown):
            return answer
        return read(
            lambda: translation.refund_reports(convert(StripeRefundPayload, _plain(answer)))
        )

    async def fetch(self, request: OperationRequest) -> Reply:
        """Retrieve the PaymentIntent, or look for ours; of a refund, list the intent's refunds.

        Stripe's search may be a minute behind (docs.stripe.com/search): finding nothing proves
        nothing. Accounts in some countries have no search: their intents are listed.
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
        """Check the signature with every active secret."""
        return signature.verify(headers.get("stripe-signature"), body, self._webhook_secrets, now)

    def read_envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:  # noqa: ARG002 - Stripe signs the body, and no transmission
        """Return the event's id and type."""
        return read_envelope(lambda: translation.envelope(body))

    def read_webhook(self, event_type: str, body: bytes) -> Answered | Unreadable | NotOurs | None:
        """Read the event; what Stripe signed, it says. A thin one only says what to ask for."""
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
        """Read the event, or ask for the object that a thin one is about."""
        said = self.read_webhook(event_type, body)
        if said is not None:
            return said
        return await self._interpret_thin(event_type.removeprefix(THIN), body)

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Retrieve the charge: its metadata is its PaymentIntent's, with our payment's id."""
        answer = await self._ask(_if_there(self._charges.retrieve_async(reference)))
        if isinstance(answer, Unknown):
            return answer
        if answer is None:
            return FOREIGN
        told = read(lambda: translation.charge_reports(convert(ChargePayload, _plain(answer))))
        return own_or_foreign(told)

    async def list_events(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """List events, newest first, whether Stripe takes them for delivered or not.

        Where an endpoint was disabled nothing failed, in its view, and one that accepted an event
        may have lost it since. Each is rendered as of the API version at its time, which is that of
        its webhook.
        """
        params: EventListParams = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": _PAGE_SIZE,
        }
        if cursor is not None:
            params["starting_after"] = cursor
        answer = await self._ask(self._events.list_async(params))
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
        """Return that an event of any type is not this account's, None if it is."""
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
            return Unreadable("no object that it is about")
        answer = await self._ask(self._retrievers[related.type](related.id))
        if isinstance(answer, Unknown):
            return answer
        event = {"data": {"object": _plain(answer)}}
        return read(
            lambda: translation.event_reports(event_type, convert(StripeEventPayload, event))
        )

    async def _move(self, request: OperationRequest, call: Awaitable[object]) -> Reply:
        """Make a call that moves a PaymentIntent; return what the intent says then."""
        answer = await self._answer(request, call)
        if isinstance(answer, Answered | NotSent | Unknown):
            return answer
        return read(lambda: translation.intent_reports(convert(PaymentIntent, _plain(answer))))

    async def _go_on(self, request: AuthorizeRequest, reference: str) -> Reply:
        """Go on with an intent that an earlier try has made.

        Not being able to ask for it leaves its outcome unknown: it is there, and may yet succeed.
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
        """Confirm an intent, with a key of its own: Stripe knows the operation's for its making."""
        params: PaymentIntentConfirmParams = {"expand": [_WITH_FEE]}
        if request.return_url is not None:
            params["return_url"] = request.return_url
        options: RequestOptions = {"idempotency_key": f"{request.idempotency_key}/confirm"}
        return await self._move(request, self._intents.confirm_async(reference, params, options))

    async def _retrieve(self, reference: str) -> PaymentIntent | Unknown:
        answer = await self._ask(self._intents.retrieve_async(reference, {"expand": [_WITH_FEE]}))
        if isinstance(answer, Unknown):
            return answer
        try:
            return convert(PaymentIntent, _plain(answer))
        except Malformed:
            return Unknown("unreadable: not a PaymentIntent")

    async def _search(self, request: OperationRequest) -> Reply:
        query = f"metadata['{PAYMENT_METADATA}']:'{payment_reference(request.payment_id)}'"
        call = self._intents.search_async({"query": query, "expand": [f"data.{_WITH_FEE}"]})
        answer = await self._ask(call)
        if isinstance(answer, Unknown):
            return answer
        return read(lambda: translation.found_reports(_plain(answer)))

    async def _find_listed(self, request: AuthorizeRequest) -> Reply | None:
        """Look for our intent among those since the operation was begun, first near that time."""
        if request.begun_at is None:
            return None
        since = int((request.begun_at - _CLOCKS_DIFFER_BY).timestamp())
        soon = int((request.begun_at + _CALLED_WITHIN).timestamp())
        ours = payment_reference(request.payment_id)
        near = await self._ask(self._intents_of({"gte": since, "lte": soon}, ours))
        found = near or await self._ask(self._intents_of({"gt": soon}, ours))
        if isinstance(found, Unknown):
            return found
        return read(lambda: translation.found_reports({"data": found}))

    async def _intents_of(self, created: PaymentIntentListParamsCreated, ours: str) -> list[object]:
        """Return the intent whose metadata names our payment among those of a time, if any."""
        page = await self._intents.list_async(
            {"created": created, "limit": _PAGE_SIZE, "expand": [f"data.{_WITH_FEE}"]}
        )
        async for intent in page.auto_paging_iter():
            listed = intent.to_dict()
            if (listed.get("metadata") or {}).get(PAYMENT_METADATA) == ours:
                return [listed]
        return []

    async def _find_refund(self, request: RefundRequest) -> Reply:
        """Look for our refund among those of its payment; the list, unlike a search, is exact."""
        ours = refund_reference(request.refund_id)
        answer = await self._ask(self._refunds_of(request.provider_reference))
        if isinstance(answer, Unknown):
            return answer

        def reports() -> tuple[Report, ...]:
            refunds = [convert(StripeRefundPayload, one) for one in answer]
            found = [one for one in refunds if (one.metadata or {}).get(REFUND_METADATA) == ours]
            return tuple(report for one in found for report in translation.refund_reports(one))

        return read(reports)

    async def _refunds_of(self, reference: str) -> list[object]:
        page = await self._refunds.list_async({"payment_intent": reference, "limit": _PAGE_SIZE})
        return [refund.to_dict() async for refund in page.auto_paging_iter()]

    async def _answer(self, request: OperationRequest, call: Awaitable[object]) -> object:
        """Return what a call that moves something is answered with, or the reply that it failed."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await call
        except stripe.StripeError as error:
            return errors.failure(error, request)
        except TimeoutError:
            return Unknown("timeout")
        except _NOT_STRIPES as error:
            return Unknown(f"unreadable: {type(error).__name__}")

    async def _ask(self, call: Awaitable[Found]) -> Found | Unknown:
        """Return what a call that moves nothing is answered with."""
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
    """Return the PaymentIntent to be created.

    Not ``automatic_async``: then the fee would not be there yet when the call is answered.

    Raises:
        InvalidRequest: ``amount_not_supported``, or ``invalid_payment_method`` without one.
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
    """Return whether a key is of live mode, None if it does not say (docs.stripe.com/keys)."""
    mode = _KEY_MODE.match(api_key)
    return None if mode is None else mode[1] == "live"


async def _if_there(call: Awaitable[Found]) -> Found | None:
    """Return what a call retrieves, None if Stripe knows no such thing."""
    try:
        return await call
    except stripe.InvalidRequestError as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _once(request: OperationRequest) -> RequestOptions:
    return {"idempotency_key": request.idempotency_key}


def _as_sent(answer: object) -> object:
    """Return the JSON of an answer before the SDK made its own objects of it."""
    sent = getattr(answer, "last_response", None)
    return sent.data if isinstance(sent, StripeResponse) else None


def _plain(answer: object) -> object:
    """Return an object of the SDK's as JSON has it."""
    return answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer
