"""Create, confirm, capture and cancel payments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from groat.accounts.queries import account_within
from groat.audit.domain.record import Transition
from groat.kernel.caller import Caller
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import IdSource, MerchantId, OperationId, PaymentId
from groat.kernel.value import replace
from groat.payments.domain import payment as domain
from groat.payments.domain.changes import created, requested
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation
from groat.payments.domain.payment import Begun, CaptureOrder, Payment, PaymentOrder, UnroutedOrder
from groat.payments.infrastructure import operations
from groat.payments.infrastructure import payments as store
from groat.payments.queries import PaymentDetails, PaymentQueries, payment_within
from groat.payments.service.operations import Accepted, CommandRunner, Keeper, lock_payment
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.idempotency import UNKEYED, Once
from groat.providers.registry import ProviderRegistry
from groat.routing.domain.route import RoutingDecision
from groat.routing.service import RoutingService

Decide: TypeAlias = Callable[[Payment, Sequence[Operation], datetime], Begun]
"""A function that decides a command on a locked payment, or raises the refusal."""


class PaymentService:
    """The commands on payments.

    ``once`` holds the caller's idempotency key. A repeated key has no second effect, and gets the
    first answer.
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
        once: Once[PaymentDetails] = UNKEYED,
        *,
        confirm: bool = True,
    ) -> PaymentDetails:
        """Create a payment and authorize it; without ``confirm``, only insert it.

        Raises:
            NotFound: the merchant has no such beneficiary or provider account.
            InvalidRequest: the beneficiary is not a wallet, or has another currency; or the
                provider does not accept the payment method (``invalid_payment_method``).
            Conflict: the beneficiary is frozen or closed; no routing rule gives an account
                (``no_route``).
        """
        payment_id, salt = PaymentId(self._new_id()), self._new_id()
        routed, decision = await self._routed(caller.merchant_id, payment_id, order)

        async def begin(connection: Connection, now: datetime) -> Accepted:
            payment = domain.new_payment(payment_id, routed, now)
            begun = Begun(payment, None)
            if confirm:
                begun = domain.confirm(payment, (), None, self._new_operation_id(), now)
            await self._insert(connection, caller.merchant_id, begun.payment, salt, decision, now)
            changes = [created(caller, begun.payment, salt, once.digest)]
            if confirm:
                confirmed = Transition(payment, begun.payment)
                changes.append(requested(caller, begun.payment, begun.operation, None, confirmed))
            return begun, changes

        return await self._runner.run(caller, once, payment_id, _keeper(caller.merchant_id), begin)

    async def confirm(
        self,
        caller: Caller,
        payment_id: PaymentId,
        payment_method: str | None = None,
        once: Once[PaymentDetails] = UNKEYED,
    ) -> PaymentDetails:
        """Authorize a payment that was created without confirmation, or whose attempt has failed.

        Without a ``payment_method``, the payment's present one is tried.

        Raises:
            NotFound: the merchant has no such payment.
            InvalidRequest: ``invalid_payment_method``, the provider does not accept it.
            Conflict: the payment cannot be confirmed; see ``domain.payment.confirm``.
        """
        if payment_method is not None:
            order = (await self._queries.payment(caller.merchant_id, payment_id)).payment.order
            route = order.route.with_method(payment_method)
            await self._require_method(caller.merchant_id, replace(order, route=route))
        return await self._command(
            caller,
            payment_id,
            once,
            lambda payment, busy, now: domain.confirm(
                payment, busy, payment_method, self._new_operation_id(), now
            ),
        )

    async def capture(
        self,
        caller: Caller,
        payment_id: PaymentId,
        order: CaptureOrder,
        once: Once[PaymentDetails] = UNKEYED,
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
            once,
            lambda payment, busy, _: domain.capture(payment, busy, order, self._new_operation_id()),
        )

    async def cancel(
        self, caller: Caller, payment_id: PaymentId, once: Once[PaymentDetails] = UNKEYED
    ) -> PaymentDetails:
        """Cancel a payment that is authorized, or waits for the customer or for confirmation.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: the payment cannot be canceled; see ``domain.payment.cancel``.
        """
        return await self._command(
            caller,
            payment_id,
            once,
            lambda payment, busy, now: domain.cancel(payment, busy, self._new_operation_id(), now),
        )

    async def _command(
        self,
        caller: Caller,
        payment_id: PaymentId,
        once: Once[PaymentDetails],
        decide: Decide,
    ) -> PaymentDetails:
        """Run a command on an existing payment: lock it, decide, and write it if it changed."""

        async def begin(connection: Connection, now: datetime) -> Accepted:
            payment = await lock_payment(connection, caller.merchant_id, payment_id)
            busy = await operations.find_open(connection, caller.merchant_id, payment_id)
            begun = decide(payment, busy, now)
            if begun.payment is not payment:
                store.update_payments(connection, caller.merchant_id, [begun.payment])
            transition = Transition(payment, begun.payment)
            asked = requested(caller, begun.payment, begun.operation, once.digest, transition)
            return begun, [asked]

        return await self._runner.run(caller, once, payment_id, _keeper(caller.merchant_id), begin)

    async def _routed(
        self, merchant_id: MerchantId, payment_id: PaymentId, order: PaymentOrder | UnroutedOrder
    ) -> tuple[PaymentOrder, RoutingDecision | None]:
        """Return the order with its provider account, and the decision if rules chose it."""
        decision = None
        if isinstance(order, UnroutedOrder):
            wanted = order.routing_input(payment_id)
            decision = await self._routing.decide(merchant_id, wanted)
            order = PaymentOrder(order.terms, decision.route)
        await self._require_method(merchant_id, order)
        return order, decision

    async def _require_method(self, merchant_id: MerchantId, order: PaymentOrder) -> None:
        provider = await self._providers.get(merchant_id, order.provider_account_id)
        problem = provider.method_problem(order.payment_method, order.terms.return_url)
        if problem is not None:
            raise InvalidRequest("invalid_payment_method", problem)

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
        salt: UUID,
        decision: RoutingDecision | None,
        now: datetime,
    ) -> None:
        terms = payment.order.terms
        beneficiary = await account_within(connection, merchant_id, terms.beneficiary_id)
        domain.require_wallet(beneficiary, terms.amount)
        store.insert_payment(connection, merchant_id, payment, salt)
        if decision is not None:
            self._routing.record(connection, merchant_id, payment.id, decision, now)

    def _new_operation_id(self) -> OperationId:
        return OperationId(self._new_id())


def _keeper(merchant_id: MerchantId) -> Keeper[PaymentDetails]:
    """Return how the result of a command on a payment is read."""

    async def read(connection: Connection, payment_id: UUID) -> PaymentDetails:
        return await payment_within(connection, merchant_id, PaymentId(payment_id))

    async def waits(connection: Connection, details: PaymentDetails) -> bool:
        if details.payment.status is Status.REQUIRES_ACTION:  # an answer, with its operation open
            return False
        return await operations.awaited(connection, merchant_id, details.payment.id, None)

    def begun(command: Begun) -> PaymentDetails:
        return PaymentDetails(command.payment, [command.operation] if command.operation else [])

    return Keeper("payment", read, waits, begun)
