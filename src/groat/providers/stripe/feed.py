"""Read Stripe's balance transactions. Source: docs.stripe.com/api/balance_transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta

from stripe.params import BalanceTransactionListParamsCreated

from groat.kernel.errors import InvalidRequest
from groat.providers.domain.facts import Report
from groat.providers.domain.movements import Movement, MovementCategory, Pool
from groat.providers.port import Explained, MovementWindow, Recheck, ToldBalance, Unknown
from groat.providers.reading import Malformed, convert, own_payment_id
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.bodies import FAILURE_MOVEMENT, MOVEMENT, PAYMENT_METADATA
from groat.providers.stripe.client import PAGE_SIZE, StripeClient, as_json, if_there
from groat.providers.stripe.disputes import dispute_reports
from groat.providers.stripe.movements import movement as to_movement
from groat.providers.stripe.payloads import (
    BookedTransaction,
    ChargePayload,
    OfCharge,
    StripeBalancePayload,
    StripeDisputePayload,
    StripeRefundPayload,
)
from groat.providers.stripe.translation import charge_reports, refund_reports

_REFUNDS = frozenset({MovementCategory.REFUND, MovementCategory.REFUND_FAILURE})
_DISPUTES = frozenset({MovementCategory.DISPUTE, MovementCategory.DISPUTE_REVERSAL})
_PARTS = _REFUNDS | _DISPUTES | {MovementCategory.PARTIAL_CAPTURE, MovementCategory.CHARGE_FAILURE}
_UNREADABLE = (Malformed, InvalidRequest)


class StripeMovementFeed:
    """The ``MovementFeed`` of a Stripe account."""

    overlap = timedelta(hours=48)
    recheck = Recheck(span=timedelta(days=35), every=timedelta(days=7))

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def read(self, since: datetime, until: datetime) -> MovementWindow | Unknown:
        """List the balance transactions of whole seconds, each with the object that caused it."""
        listed = await self._client.look_up(self._listed(int(since.timestamp()), until))
        if isinstance(listed, Unknown):
            return listed
        try:
            booked = [convert(BookedTransaction, one) for one in listed]
            return MovementWindow(tuple(to_movement(one, until) for one in booked), until)
        except _UNREADABLE as error:
            return Unknown(f"unreadable: {error}")

    async def _listed(self, since: int, until: datetime | None) -> list[object]:
        span: BalanceTransactionListParamsCreated = {"gte": since}
        if until is not None:
            span["lte"] = int(until.timestamp())
        page = await self._client.balance_transactions.list_async(
            {
                "created": span,
                "limit": PAGE_SIZE,
                "expand": ["data.source"],
            }
        )
        return [one.to_dict() async for one in page.auto_paging_iter()]

    async def balances(self, at: datetime) -> Mapping[str, ToldBalance] | Unknown:
        """Return the present balances less the balance transactions since ``at``.

        Both are read between two equal readings of the balance, so nothing was booked meanwhile.
        """
        before = await self._balance()
        listed = await self._client.look_up(self._listed(int(at.timestamp()), None))
        after = await self._balance()
        if isinstance(listed, Unknown):
            return listed
        if isinstance(after, Unknown):
            return after
        if before != after:
            return Unknown("the balance moves; try again")
        try:
            booked = [to_movement(convert(BookedTransaction, one), at) for one in listed]
        except _UNREADABLE as error:
            return Unknown(f"unreadable: {error}")
        sums = Counter(after)
        for one in booked:
            if one.pool is Pool.AVAILABLE:
                sums[one.currency] -= one.net
        return {currency: ToldBalance(amount) for currency, amount in sums.items()}

    async def _balance(self) -> Mapping[str, int] | Unknown:
        """Return the present balance by currency, with the part that is not available yet."""
        found = await self._client.look_up(self._client.balance.retrieve_async())
        if isinstance(found, Unknown):
            return found
        sums = Counter[str]()
        try:
            told = convert(StripeBalancePayload, as_json(found))
            for one in (*told.available, *told.pending):
                sums[one.currency.upper()] += stripe_money(one.amount, one.currency).amount
        except _UNREADABLE as error:
            return Unknown(f"unreadable: {error}")
        return dict(sums)

    async def explain(self, movement: Movement) -> Explained | Unknown:
        """Retrieve the charge of a movement, which names our payment, and its refund or dispute."""
        charge_id = await self._charge_of(movement)
        if charge_id is None or isinstance(charge_id, Unknown):
            return charge_id or Explained(None)
        found = await self._found(
            self._client.charges.retrieve_async(charge_id, {"expand": [MOVEMENT]})
        )
        if isinstance(found, Unknown) or found is None:
            return found or Explained(None)
        try:
            charge = convert(ChargePayload, found)
            payment_id = own_payment_id(charge.metadata.get(PAYMENT_METADATA))
            if payment_id is None:
                return Explained(None)
            more = await self._of_source(movement)
            if isinstance(more, Unknown):
                return more
            return Explained(payment_id, (*charge_reports(charge), *more), charge_id)
        except _UNREADABLE as error:
            return Unknown(f"unreadable: {error}")

    async def _charge_of(self, movement: Movement) -> str | Unknown | None:
        """Return the charge of a movement. A file may name only the refund or the dispute."""
        source = movement.source
        if movement.parent is not None or source is None or movement.category not in _PARTS:
            return movement.parent or source
        resource = self._client.disputes if movement.category in _DISPUTES else self._client.refunds
        found = await self._found(resource.retrieve_async(source))
        if isinstance(found, Unknown) or found is None:
            return found
        try:
            return convert(OfCharge, found).charge
        except Malformed as error:
            return Unknown(f"unreadable: {error}")

    async def _of_source(self, movement: Movement) -> tuple[Report, ...] | Unknown:
        """Return the reports of the refund or the dispute that caused a movement."""
        source = movement.source
        if source is None or movement.category not in _REFUNDS | _DISPUTES:
            return ()
        if movement.category in _DISPUTES:
            found = await self._found(self._client.disputes.retrieve_async(source))
        else:
            failed = movement.category is MovementCategory.REFUND_FAILURE
            expand = [MOVEMENT, FAILURE_MOVEMENT] if failed else [MOVEMENT]
            found = await self._found(
                self._client.refunds.retrieve_async(source, {"expand": expand})
            )
        if isinstance(found, Unknown) or found is None:
            return found or ()
        if movement.category in _DISPUTES:
            return dispute_reports(convert(StripeDisputePayload, found))
        return refund_reports(convert(StripeRefundPayload, found))

    async def _found(self, call: Awaitable[object]) -> object | Unknown | None:
        """Return the object that a call retrieves as JSON, None if Stripe does not know it."""
        answer = await self._client.look_up(if_there(call))
        return answer if answer is None or isinstance(answer, Unknown) else as_json(answer)
