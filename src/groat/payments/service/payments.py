"""Payments: take, capture, cancel and refund them.

Each command is the same story: write it down and commit, call the provider, apply what it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from groat.accounts.domain.orders import HoldOrder
from groat.accounts.service.accounts import AccountService
from groat.audit.domain.record import Cause
from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, InvalidRequest, Unavailable
from groat.kernel.ids import (
    IdSource,
    MerchantId,
    OperationId,
    PaymentId,
    RefundId,
)
from groat.kernel.money import Money
from groat.payments.domain import commands, requests
from groat.payments.domain.arrival import (
    Arrival,
)
from groat.payments.domain.commands import Begun, CaptureOrder
from groat.payments.domain.lifecycle import Outcome, RefundStatus
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.operation import begun as operation_begun
from groat.payments.domain.payment import Payment, PaymentOrder, UnroutedOrder
from groat.payments.domain.refund import Refund, RefundOrder, begin_refund, hold_reference
from groat.payments.domain.resolution import Resolution, found_out
from groat.payments.infrastructure import operations, refunds
from groat.payments.infrastructure import payments as store
from groat.payments.queries import PaymentDetails, PaymentQueries
from groat.payments.service.calls import ProviderCalls, take_place
from groat.payments.service.facts import PaymentFacts
from groat.platform.postgres import idempotency
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import RequestKey
from groat.platform.process.bulkhead import Turn
from groat.providers.domain.facts import Authorized, Report
from groat.providers.registry import ProviderRegistry
from groat.routing.domain.decision import RoutingDecision
from groat.routing.service import RoutingService

Decide: TypeAlias = Callable[[Payment, Sequence[Operation], datetime], Begun]
"""What a command makes of a locked payment and its open operations; or it raises its refusal."""


class PaymentService:
    """The verbs of payments. No transaction of theirs is open while a provider is called.

    An operation that is ``pending`` for longer than ``pending_for`` is taken to be abandoned, and
    is looked up: see ``recovery``. ``request_key`` is the caller's idempotency key and the request
    it came with: a key that came before answers with what it made then, as it stands now.

    A command whose provider account has no place left for its call is refused with
    ``provider_account_busy`` (``Unavailable``) before anything is written.
    """

    def __init__(
        self,
        database: Database,
        accounts: AccountService,
        audit: AuditService,
        providers: ProviderRegistry,
        routing: RoutingService,
        calls: ProviderCalls,
        facts: PaymentFacts,
        queries: PaymentQueries,
        new_id: IdSource,
        clock: Clock,
        *,
        pending_for: timedelta,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._audit = audit
        self._providers = providers
        self._routing = routing
        self._facts = facts
        self._calls = calls
        self._queries = queries
        self._new_id = new_id
        self._clock = clock
        self._pending_for = pending_for

    async def create(
        self,
        caller: Caller,
        order: PaymentOrder | UnroutedOrder,
        request_key: RequestKey | None,
        *,
        confirm: bool = True,
    ) -> PaymentDetails:
        """Take a payment, or write it down to be confirmed later.

        Raises:
            NotFound: no such beneficiary or provider account.
            InvalidRequest: the beneficiary is not a wallet, or is of another currency; or the
                provider cannot be paid so (``invalid_payment_method``).
            Conflict: the beneficiary takes no payments; no routing rule leads anywhere
                (``no_route``); or the key came before with another request.
        """
        now = self._clock.now()
        payment_id = PaymentId(self._new_id())
        decision = None
        if isinstance(order, UnroutedOrder):
            earlier = await self._made_before(caller, request_key)
            if earlier is not None:  # whatever has become of the rules since
                return await self._queries.payment(caller.merchant_id, PaymentId(earlier))
            wanted = order.routing_input(payment_id)
            decision = await self._routing.decide(caller.merchant_id, wanted)
            order = order.along(decision.route)
        provider = await self._providers.get(caller.merchant_id, order.provider_account_id)
        problem = provider.method_problem(order.payment_method, order.return_url)
        if problem is not None:
            raise InvalidRequest("invalid_payment_method", problem)
        payment = commands.begin(payment_id, order, now)
        begun = Begun(payment, None)
        if confirm:
            begun = commands.confirm(payment, self._new_operation_id(), now)
        with self._calls.turn() as turn:
            async with self._database.transaction() as connection:
                earlier = await self._claim(connection, caller, request_key, payment.id, now)
                if earlier is None:
                    _take_place(turn, begun)
                    await self._insert(connection, caller, begun, decision, request_key, now)
            if earlier is not None:
                return await self._queries.payment(caller.merchant_id, PaymentId(earlier))
            return await self._go_on(caller.merchant_id, begun, turn)

    async def confirm(
        self, caller: Caller, payment_id: PaymentId, request_key: RequestKey | None
    ) -> PaymentDetails:
        """Authorize a payment that was written down to be confirmed.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: it cannot be confirmed; see ``commands``.
        """
        return await self._command(
            caller,
            payment_id,
            request_key,
            lambda payment, _, now: commands.confirm(payment, self._new_operation_id(), now),
        )

    async def capture(
        self,
        caller: Caller,
        payment_id: PaymentId,
        order: CaptureOrder,
        request_key: RequestKey | None,
    ) -> PaymentDetails:
        """Capture what is authorized, or a part of it.

        A provider that says no leaves the payment authorized, and the operation ``declined``.

        Raises:
            NotFound: the merchant has no such payment.
            InvalidRequest: ``captures_once``, this provider takes no further capture.
            Conflict: it cannot be captured; see ``commands``.
        """
        payment = (await self._queries.payment(caller.merchant_id, payment_id)).payment
        provider_account_id = payment.order.provider_account_id
        provider = await self._providers.get(caller.merchant_id, provider_account_id)
        if provider.captures_once and not order.final:
            raise InvalidRequest(
                "captures_once",
                "This provider captures once: what is not captured then lapses. Leave out "
                "'final', or send true.",
            )
        return await self._command(
            caller,
            payment_id,
            request_key,
            lambda payment, busy, _: commands.capture(
                payment, busy, order, self._new_operation_id()
            ),
        )

    async def cancel(
        self, caller: Caller, payment_id: PaymentId, request_key: RequestKey | None
    ) -> PaymentDetails:
        """Give up what is authorized, or waits for the customer or for its confirmation.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: it cannot be canceled; see ``commands``.
        """
        return await self._command(
            caller,
            payment_id,
            request_key,
            lambda payment, busy, now: commands.cancel(
                payment, busy, self._new_operation_id(), now
            ),
        )

    async def refund(
        self, caller: Caller, order: RefundOrder, request_key: RequestKey | None
    ) -> Refund:
        """Give back what was captured, or a part of it, which is reserved first.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: it cannot be refunded; see ``refund``; or the beneficiary does not have it
                (``insufficient_funds``), or is frozen or closed.
        """
        now = self._clock.now()
        refund_id = RefundId(self._new_id())
        with self._calls.turn() as turn:
            async with self._database.transaction() as connection:
                earlier = await self._claim(connection, caller, request_key, refund_id, now)
                if earlier is None:
                    begun, refund = await self._begin_refund(
                        connection, caller, order, refund_id, request_key, now
                    )
                    _take_place(turn, begun)
            if earlier is not None:
                return await self._queries.refund(caller.merchant_id, RefundId(earlier))
            await self._go_on(caller.merchant_id, begun, turn)
        try:
            return await self._queries.refund(caller.merchant_id, refund_id)
        except Unavailable:  # it is written down and perhaps made: no time for a 503
            return refund

    async def resolve(
        self, merchant_id: MerchantId, operation_id: OperationId, resolution: Resolution
    ) -> PaymentDetails:
        """Conclude an operation by what an operator has found out: the same facts, the same rules.

        Raises:
            NotFound: the merchant has no such operation.
            InvalidRequest: ``invalid_resolution``.
            Conflict: ``operation_not_open``, or it does not take it; the code is the outcome, such
                as ``late``.
        """
        async with self._database.transaction() as connection:
            payment_id = await _payment_of(connection, merchant_id, operation_id)
            payment = await _lock(connection, merchant_id, payment_id)
            operation = await operations.operation(connection, merchant_id, operation_id)
            if operation is None or not operation.is_open:
                raise Conflict("operation_not_open", "The operation has ended; see its payment.")
            fact = found_out(payment, operation, resolution)
            made = fact.reference if isinstance(fact, Authorized) else None
            arrival = Arrival(
                payment.order.provider_account_id,
                Report(payment.id, made, fact, operation.refund_id),
                Cause(resolution.reason),
                operation.id,
                told_by="operator",
            )
            [verdict] = await self._facts.apply(connection, merchant_id, [arrival])
            if verdict.outcome is not Outcome.APPLIED:
                raise Conflict(
                    verdict.outcome.value,
                    f"The payment is {payment.status}; it does not take this.",
                )
        return await self._queries.payment(merchant_id, payment_id)

    async def _insert(
        self,
        connection: Connection,
        caller: Caller,
        begun: Begun,
        decision: RoutingDecision | None,
        request_key: RequestKey | None,
        now: datetime,
    ) -> None:
        """Write a new payment, how it was routed, and what is about to be asked."""
        payment, merchant_id = begun.payment, caller.merchant_id
        order = payment.order
        beneficiary = await self._accounts.get_within(connection, merchant_id, order.beneficiary_id)
        commands.require_wallet(beneficiary, order.amount)
        store.insert_payment(connection, merchant_id, payment)
        if decision is not None:
            self._routing.record(connection, merchant_id, payment.id, decision, now)
        self._audit.write(
            connection, merchant_id, [requests.created(caller, payment, _digest(request_key))], now
        )
        if begun.operation is not None:
            self._write_down(connection, caller, begun, None, now)

    async def _command(
        self,
        caller: Caller,
        payment_id: PaymentId,
        request_key: RequestKey | None,
        decide: Decide,
    ) -> PaymentDetails:
        """Lock the payment, decide, write down what is to be asked, commit, and ask it."""
        now = self._clock.now()
        with self._calls.turn() as turn:
            async with self._database.transaction() as connection:
                earlier = await self._claim(connection, caller, request_key, payment_id, now)
                begun = None
                if earlier is None:
                    payment = await _lock(connection, caller.merchant_id, payment_id)
                    busy = await operations.find_open(connection, caller.merchant_id, payment_id)
                    begun = decide(payment, busy, now)
                    _take_place(turn, begun)
                    store.update_payments(connection, caller.merchant_id, [begun.payment])
                    self._write_down(connection, caller, begun, request_key, now)
            if begun is None:
                return await self._queries.payment(caller.merchant_id, payment_id)
            return await self._go_on(caller.merchant_id, begun, turn)

    async def _begin_refund(
        self,
        connection: Connection,
        caller: Caller,
        order: RefundOrder,
        refund_id: RefundId,
        request_key: RequestKey | None,
        now: datetime,
    ) -> tuple[Begun, Refund]:
        """Reserve what is to be given back, and write down the refund and its operation."""
        merchant_id = caller.merchant_id
        payment = await _lock(connection, merchant_id, order.payment_id)
        captures = await refunds.refundable_captures(connection, merchant_id, payment.id)
        payment, amount, capture = begin_refund(payment, captures, order, now)
        reserved = HoldOrder(
            hold_reference(refund_id),
            payment.order.beneficiary_id,
            Money(amount, payment.order.amount.currency),
            expires_at=None,
        )
        hold = await self._accounts.reserve(connection, caller, reserved, now)
        refund = Refund(
            refund_id,
            payment.id,
            RefundStatus.PENDING,
            None,
            amount,
            payment.order.amount.currency,
            capture,
            hold.id,
            order.reason,
            order.metadata,
            created_at=now,
            updated_at=now,
        )
        refunds.insert_refund(connection, merchant_id, refund)
        store.update_payments(connection, merchant_id, [payment])
        operation = operation_begun(
            self._new_operation_id(),
            payment.id,
            OperationKind.REFUND,
            amount,
            refund_id=refund_id,
            capture_reference=capture,
        )
        begun = Begun(payment, operation)
        self._write_down(connection, caller, begun, request_key, now)
        return begun, refund

    def _write_down(
        self,
        connection: Connection,
        caller: Caller,
        begun: Begun,
        request_key: RequestKey | None,
        now: datetime,
    ) -> None:
        """Write what is about to be asked, and the record of who wants it."""
        payment, operation = begun.payment, begun.operation
        if operation is not None:
            operations.insert_operation(
                connection,
                caller.merchant_id,
                payment.order.provider_account_id,
                operation,
                self._pending_for,
            )
        change = requests.requested(caller, payment, operation, _digest(request_key))
        self._audit.write(connection, caller.merchant_id, [change], now)

    async def _go_on(self, merchant_id: MerchantId, begun: Begun, turn: Turn) -> PaymentDetails:
        """Ask the provider what was written down; return the payment as it is after the answer."""
        if begun.operation is not None:
            await self._calls.perform(merchant_id, begun.payment, begun.operation, turn)
        try:
            return await self._queries.payment(merchant_id, begun.payment.id)
        except Unavailable:  # it is written down and perhaps charged: no time for a 503
            return PaymentDetails(begun.payment, [begun.operation] if begun.operation else [])

    async def _claim(
        self,
        connection: Connection,
        caller: Caller,
        request_key: RequestKey | None,
        object_id: UUID,
        now: datetime,
    ) -> UUID | None:
        """Claim the caller's key, if there is one; return what it made when it came before."""
        if request_key is None:
            return None
        return await idempotency.claim(connection, caller.merchant_id, request_key, object_id, now)

    async def _made_before(self, caller: Caller, request_key: RequestKey | None) -> UUID | None:
        """Return what was made under the caller's key, if it came before."""
        if request_key is None:
            return None
        async with self._database.autocommit() as connection:
            return await idempotency.find(connection, caller.merchant_id, request_key)

    def _new_operation_id(self) -> OperationId:
        return OperationId(self._new_id())


async def _lock(connection: Connection, merchant_id: MerchantId, payment_id: PaymentId) -> Payment:
    locked = await store.lock_payments(connection, merchant_id, [payment_id])
    return ids.existing("payment", payment_id, locked.get(payment_id))


def _take_place(turn: Turn, begun: Begun) -> None:
    """Take a place for the call that a command begins, if it begins one.

    The transaction is undone if there is none: our overload leaves nothing written.

    Raises:
        Unavailable: ``provider_account_busy``.
    """
    if begun.operation is not None:
        take_place(turn, begun.payment)


async def _payment_of(
    connection: Connection, merchant_id: MerchantId, operation_id: OperationId
) -> PaymentId:
    """Return the payment of an operation, to be locked before the operation is looked at."""
    operation = await operations.operation(connection, merchant_id, operation_id)
    return ids.existing("operation", operation_id, operation).payment_id


def _digest(request_key: RequestKey | None) -> str | None:
    return None if request_key is None else idempotency.digest(request_key)
