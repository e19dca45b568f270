"""Look up payments and refunds at Stripe, and translate them to reports."""

from __future__ import annotations

from datetime import timedelta

from stripe.params import PaymentIntentListParamsCreated

from groat.providers.domain.facts import Report
from groat.providers.port import (
    FOREIGN,
    AuthorizeRequest,
    NotOurs,
    OperationRequest,
    RefundRequest,
    Reply,
    Unknown,
    payment_reference,
    refund_reference,
)
from groat.providers.reading import Malformed, convert, own_or_foreign, read
from groat.providers.stripe import translation
from groat.providers.stripe.bodies import (
    MOVEMENT,
    PAYMENT_METADATA,
    REFUND_METADATA,
    WITH_MOVEMENT,
)
from groat.providers.stripe.client import PAGE_SIZE, StripeClient, as_json, if_there
from groat.providers.stripe.payloads import PaymentIntent, StripeRefundPayload

_CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""Maximum time by which Stripe's clock may be behind PostgreSQL's."""
_CALLED_WITHIN = timedelta(minutes=15)
"""Time after its beginning in which the engine calls most operations. A worker may call later."""


class StripeLookups:
    """The ``Lookups`` of a Stripe account."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

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
                return await self._of_intent(request, request.provider_reference)
            case AuthorizeRequest(declined_reference=str(reference)):
                return await self._of_intent(request, reference)
            case _:
                found = await self._search(request)
                if isinstance(found, Unknown) and isinstance(request, AuthorizeRequest):
                    return await self._find_listed(request) or found
                return found

    async def _of_intent(self, request: OperationRequest, reference: str) -> Reply:
        intent = await self.intent(reference)
        if isinstance(intent, Unknown):
            return intent
        return read(lambda: translation.answer_reports(intent, request))

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Retrieve the charge. Its metadata is that of its PaymentIntent, with the payment's id."""
        call = if_there(self._client.charges.retrieve_async(reference, {"expand": [MOVEMENT]}))
        answer = await self._client.look_up(call)
        if isinstance(answer, Unknown):
            return answer
        if answer is None:
            return FOREIGN
        reply = read(lambda: translation.found_charge_reports(as_json(answer)))
        return own_or_foreign(reply)

    async def intent(self, reference: str) -> PaymentIntent | Unknown:
        """Retrieve a PaymentIntent with its charge and the movement of that."""
        call = self._client.intents.retrieve_async(reference, {"expand": [WITH_MOVEMENT]})
        answer = await self._client.look_up(call)
        if isinstance(answer, Unknown):
            return answer
        try:
            return convert(PaymentIntent, as_json(answer))
        except Malformed:
            return Unknown("unreadable: not a PaymentIntent")

    async def _search(self, request: OperationRequest) -> Reply:
        query = f"metadata['{PAYMENT_METADATA}']:'{payment_reference(request.payment_id)}'"
        call = self._client.intents.search_async(
            {"query": query, "expand": [f"data.{WITH_MOVEMENT}"]}
        )
        answer = await self._client.look_up(call)
        if isinstance(answer, Unknown):
            return answer
        return read(lambda: translation.found_reports(as_json(answer)))

    async def _find_listed(self, request: AuthorizeRequest) -> Reply | None:
        """Search the list of PaymentIntents since the operation began, first near that time."""
        if request.begun_at is None:
            return None
        since = int((request.begun_at - _CLOCKS_DIFFER_BY).timestamp())
        soon = int((request.begun_at + _CALLED_WITHIN).timestamp())
        payment_ref, look_up = payment_reference(request.payment_id), self._client.look_up
        near = await look_up(self._intents_of({"gte": since, "lte": soon}, payment_ref))
        found = near or await look_up(self._intents_of({"gt": soon}, payment_ref))
        if isinstance(found, Unknown):
            return found
        return read(lambda: translation.found_reports({"data": found}))

    async def _intents_of(
        self, created: PaymentIntentListParamsCreated, payment_ref: str
    ) -> list[object]:
        """Return the PaymentIntent of ``payment_ref`` among those ``created`` in a span.

        The list has one element, or none if no metadata names that payment.
        """
        page = await self._client.intents.list_async(
            {"created": created, "limit": PAGE_SIZE, "expand": [f"data.{WITH_MOVEMENT}"]}
        )
        async for intent in page.auto_paging_iter():
            listed = intent.to_dict()
            if (listed.get("metadata") or {}).get(PAYMENT_METADATA) == payment_ref:
                return [listed]
        return []

    async def _find_refund(self, request: RefundRequest) -> Reply:
        """Find a refund in the list of its payment. Unlike a search, the list is up to date."""
        refund_ref = refund_reference(request.refund_id)
        answer = await self._client.look_up(self._refunds_of(request.provider_reference))
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
        page = await self._client.refunds.list_async(
            {"payment_intent": reference, "limit": PAGE_SIZE, "expand": [f"data.{MOVEMENT}"]}
        )
        return [refund.to_dict() async for refund in page.auto_paging_iter()]
