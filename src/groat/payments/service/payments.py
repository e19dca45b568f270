"""Create, confirm, capture and cancel payments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from groat.accounts.queries import account_within
from groat.kernel.caller import Caller
from groat.kernel.errors import InvalidRequest, Unavailable
from groat.kernel.ids import IdSource, MerchantId, OperationId, PaymentId
from groat.payments.domain import payment as domain
from groat.payments.domain.changes import created, requested
from groat.payments.domain.operation import Operation
from groat.payments.domain.payment import Begun, CaptureOrder, Payment, PaymentOrder, UnroutedOrder
from groat.payments.infrastructure import operations
from groat.payments.infrastructure import payments as store
from groat.payments.queries import PaymentDetails, PaymentQueries
from groat.payments.service.operations import Accepted, CommandRunner, Ran, key_digest, lock_payment
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.idempotency import RequestKey
from groat.providers.registry import ProviderRegistry
from groat.routing.domain.route import RoutingDecision
from groat.routing.service import RoutingService

Decide: TypeAlias = Callable[[Payment, Sequence[Operation], datetime], Begun]
"""A function that decides a command on a locked payment, or raises the refusal."""


class PaymentService:
    """The commands on payments.

    ``request_key`` is the caller's idempotency key with the content of its request. A repeated key
    returns the payment of the first request, in its present state.
    """

    def __init__(
        self,
        providers: ProviderRegistry,
        routing: RoutingService,
        runner: CommandRunner,
        queries: PaymentQueries,
        new_id: IdSource,
    ) -> None:
        self._providers = providers
        self._routing = routing
        self._runner = runner
        self._queries = queries
        self._new_id = new_id

    async def create(
        self,
        caller: Caller,
        order: PaymentOrder | UnroutedOrder,
        request_key: RequestKey | None,
        *,
        confirm: bool = True,
    ) -> PaymentDetails:
        """Create a payment and authorize it; without ``confirm``, only insert it.

        Raises:
            NotFound: the merchant has no such beneficiary or provider account.
            InvalidRequest: the beneficiary is not a wallet, or has another currency; or the
                provider does not accept the payment method (``invalid_payment_method``).
            Conflict: the beneficiary is frozen or closed; no routing rule gives an account
                (``no_route``); or the key was used before with a different request.
        """
        payment_id = PaymentId(self._new_id())
        if isinstance(order, UnroutedOrder):  # a repeated key ignores changed rules
            earlier = await self._runner.made_before(caller, request_key)
            if earlier is not None:
                return await self._queries.payment(caller.merchant_id, PaymentId(earlier))
        routed, decision = await self._routed(caller.merchant_id, payment_id, order)

        async def begin(connection: Connection, now: datetime) -> Accepted:
            payment = domain.new_payment(payment_id, routed, now)
            begun = Begun(payment, None)
            if confirm:
                begun = domain.confirm(payment, self._new_operation_id(), now)
            await self._insert(connection, caller.merchant_id, begun.payment, decision, now)
            changes = [created(caller, begun.payment, key_digest(request_key))]
            if confirm:
                changes.append(requested(caller, begun.payment, begun.operation, None))
            return begun, changes

        return await self._answer(
            caller, await self._runner.run(caller, request_key, "payment", payment_id, begin)
        )

    async def confirm(
        self, caller: Caller, payment_id: PaymentId, request_key: RequestKey | None
    ) -> PaymentDetails:
        """Authorize a payment that was created without confirmation.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: the payment cannot be confirmed; see ``domain.payment.confirm``.
        """
        return await self._command(
            caller,
            payment_id,
            request_key,
            lambda payment, _, now: domain.confirm(payment, self._new_operation_id(), now),
        )

    async def capture(
        self,
        caller: Caller,
        payment_id: PaymentId,
        order: CaptureOrder,
        request_key: RequestKey | None,
    ) -> PaymentDetails:
        """Capture the authorized amount, or a part of it.

        If the provider declines, the payment stays authorized and the operation is ``declined``.

        Raises:
            NotFound: the merchant has no such payment.
            InvalidRequest: ``captures_once``, this provider accepts final captures only.
            Conflict: the payment cannot be captured; see ``domain.payment.capture``.
        """
        if not order.final:
            await self._require_several_captures(caller.merchant_id, payment_id)
        return await self._command(
            caller,
            payment_id,
            request_key,
            lambda payment, busy, _: domain.capture(payment, busy, order, self._new_operation_id()),
        )

    async def cancel(
        self, caller: Caller, payment_id: PaymentId, request_key: RequestKey | None
    ) -> PaymentDetails:
        """Cancel a payment that is authorized, or waits for the customer or for confirmation.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: the payment cannot be canceled; see ``domain.payment.cancel``.
        """
        return await self._command(
            caller,
            payment_id,
            request_key,
            lambda payment, busy, now: domain.cancel(payment, busy, self._new_operation_id(), now),
        )

    async def _command(
        self,
        caller: Caller,
        payment_id: PaymentId,
        request_key: RequestKey | None,
        decide: Decide,
    ) -> PaymentDetails:
        """Run a command on an existing payment: lock it, decide, and write it if it changed."""

        async def begin(connection: Connection, now: datetime) -> Accepted:
            payment = await lock_payment(connection, caller.merchant_id, payment_id)
            busy = await operations.find_open(connection, caller.merchant_id, payment_id)
            begun = decide(payment, busy, now)
            if begun.payment is not payment:
                store.update_payments(connection, caller.merchant_id, [begun.payment])
            digest = key_digest(request_key)
            return begun, [requested(caller, begun.payment, begun.operation, digest)]

        return await self._answer(
            caller, await self._runner.run(caller, request_key, "payment", payment_id, begin)
        )

    async def _routed(
        self, merchant_id: MerchantId, payment_id: PaymentId, order: PaymentOrder | UnroutedOrder
    ) -> tuple[PaymentOrder, RoutingDecision | None]:
        """Return the order with its provider account, and the decision if rules chose it."""
        decision = None
        if isinstance(order, UnroutedOrder):
            wanted = order.routing_input(payment_id)
            decision = await self._routing.decide(merchant_id, wanted)
            order = PaymentOrder(order.terms, decision.route)
        provider = await self._providers.get(merchant_id, order.provider_account_id)
        problem = provider.method_problem(order.payment_method, order.terms.return_url)
        if problem is not None:
            raise InvalidRequest("invalid_payment_method", problem)
        return order, decision

    async def _require_several_captures(
        self, merchant_id: MerchantId, payment_id: PaymentId
    ) -> None:
        payment = (await self._queries.payment(merchant_id, payment_id)).payment
        provider = await self._providers.get(merchant_id, payment.order.provider_account_id)
        if provider.captures_once:
            raise InvalidRequest(
                "captures_once",
                "This provider allows one capture, after which the rest of the authorization "
                "lapses. Leave out 'final', or send true.",
            )

    async def _insert(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        payment: Payment,
        decision: RoutingDecision | None,
        now: datetime,
    ) -> None:
        terms = payment.order.terms
        beneficiary = await account_within(connection, merchant_id, terms.beneficiary_id)
        domain.require_wallet(beneficiary, terms.amount)
        store.insert_payment(connection, merchant_id, payment)
        if decision is not None:
            self._routing.record(connection, merchant_id, payment.id, decision, now)

    async def _answer(self, caller: Caller, ran: Ran) -> PaymentDetails:
        """Return the payment after the provider's answer."""
        try:
            return await self._queries.payment(caller.merchant_id, PaymentId(ran.object_id))
        except Unavailable:
            if ran.begun is None:
                raise
            payment, operation = ran.begun.payment, ran.begun.operation
            # It is committed, and the customer may be charged: a 503 would say the opposite.
            return PaymentDetails(payment, [operation] if operation else [])

    def _new_operation_id(self) -> OperationId:
        return OperationId(self._new_id())
