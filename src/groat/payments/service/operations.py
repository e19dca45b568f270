"""Operations: begin one by a command, call its provider, and conclude it by the answer.

No transaction is open during the call to the provider.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Generic, NamedTuple, TypeAlias, TypeVar, assert_never
from uuid import UUID

import structlog

from groat.audit.domain.record import Cause, Change
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import ENGINE, Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, PaymentId
from groat.kernel.money import Money
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.lifecycle import QUARANTINED
from groat.payments.domain.operation import Operation, OperationKind, idempotency_key
from groat.payments.domain.payment import Begun, Payment, PaymentTerms
from groat.payments.domain.resolution import lookup_delay
from groat.payments.domain.standing import Arrival
from groat.payments.infrastructure import operations
from groat.payments.infrastructure import payments as store
from groat.payments.service.facts import PaymentFacts
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import (
    AnsweredBefore,
    Binding,
    Once,
    StoredAnswer,
    Unanswered,
    in_use,
)
from groat.platform.process.bulkhead import Bulkhead, Turn
from groat.providers.domain.facts import NotSent, Report
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    OperationRequest,
    OrderDetails,
    RefundRequest,
    Reply,
    Unknown,
)
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")

Accepted: TypeAlias = tuple[Begun, Sequence[Change]]
"""An accepted command, whose operation is not written yet, and its audit records."""

Begin: TypeAlias = Callable[[Connection, datetime], Awaitable[Accepted]]
"""A function that locks, decides and writes in an open transaction, or raises the refusal."""


Finish: TypeAlias = Callable[[Connection], Awaitable[None]]
"""A function that stores the caller's answer in the transaction that applies a reply."""


async def nobody_waits(_: Connection) -> None:
    """Store no answer, since no request waits for this call."""


@dataclass(frozen=True, slots=True)
class Keeper(Generic[Result]):
    """How the result of a command is read: the payment or the refund that it creates or changes.

    ``read`` reads it in an open transaction. ``waits`` tells whether the provider's reply to the
    command has not been applied yet. ``begun`` is the result if the database is not available after
    the command is committed.
    """

    kind: str
    read: Callable[[Connection, UUID], Awaitable[Result]]
    waits: Callable[[Connection, Result], Awaitable[bool]]
    begun: Callable[[Begun], Result]


class CommandRunner:
    """Runs commands on payments.

    An operation that is ``pending`` for longer than ``pending_for`` counts as lost, and recovery
    looks it up.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditService,
        calls: ProviderCalls,
        clock: Clock,
        *,
        pending_for: timedelta,
    ) -> None:
        self._database = database
        self._audit = audit
        self._calls = calls
        self._clock = clock
        self._pending_for = pending_for

    async def run(
        self,
        caller: Caller,
        once: Once[Result],
        object_id: UUID,
        keeper: Keeper[Result],
        begin: Begin,
    ) -> Result:
        """Run a command that creates or changes an object, once for each key of the caller.

        Return the object after the provider's reply.

        Raises:
            Unavailable: ``provider_account_busy``, the provider account has no free place for the
                call; or ``database_unavailable``. Nothing was written.
            AnsweredBefore: the key has an answer.
            InvalidRequest: the key was used before with a different request.
            GroatError: the refusal of ``begin``.
        """
        results: list[Result] = []

        async def finish(connection: Connection) -> None:
            result = await keeper.read(connection, object_id)
            once.answer(connection, result)
            results.append(result)

        with self._calls.turn() as turn:
            async with self._database.transaction() as connection:
                unanswered = await once.claim(connection, Binding(keeper.kind, object_id))
                if unanswered is not None:
                    late = await self._late_answer(connection, once, unanswered, keeper)
                else:
                    begun = await self._begin(connection, caller, begin, turn)
                    if begun.operation is None:
                        await finish(connection)
            if unanswered is not None:
                raise AnsweredBefore(late)
            if begun.operation is not None:
                asked = Asked(begun.payment, begun.operation)
                if not await self._calls.perform(caller.merchant_id, asked, turn, finish):
                    return await self._present(once, object_id, keeper, begun)
        return results[-1]

    async def _begin(
        self, connection: Connection, caller: Caller, begin: Begin, turn: Turn
    ) -> Begun:
        """Decide the command, and write its operation and audit records."""
        now, merchant_id = self._clock.now(), caller.merchant_id
        begun, changes = await begin(connection, now)
        if begun.operation is not None:
            take_place(turn, begun.payment)
            account_id = begun.payment.order.provider_account_id
            operations.insert_operation(
                connection, merchant_id, account_id, begun.operation, self._pending_for
            )
        await self._audit.write(connection, merchant_id, changes, now)
        return begun

    async def _late_answer(
        self,
        connection: Connection,
        once: Once[Result],
        unanswered: Unanswered,
        keeper: Keeper[Result],
    ) -> StoredAnswer:
        """Store and return the answer of an earlier request, whose process died.

        Raises:
            Conflict: ``idempotency_key_in_use``; the earlier request may still be under way, or the
                provider's reply has not been applied yet.
        """
        if unanswered.age <= self._pending_for:
            raise in_use()
        result = await keeper.read(connection, unanswered.object_id)
        if await keeper.waits(connection, result):
            raise in_use()
        return once.answer(connection, result)

    async def _present(
        self, once: Once[Result], object_id: UUID, keeper: Keeper[Result], begun: Begun
    ) -> Result:
        """Return the present result of a command whose last reply could not be applied.

        If the database is not available, the answer is not stored.
        """
        try:
            async with self._database.transaction() as connection:
                result = await keeper.read(connection, object_id)
                once.answer(connection, result)
        except Unavailable:
            # It is committed, and the customer may be charged: a 503 would say the opposite.
            result = keeper.begun(begun)
            once.render(result)
        return result


class Asked(NamedTuple):
    """An operation to call the provider for, with its payment at that time."""

    payment: Payment
    operation: Operation


class Concluded(NamedTuple):
    """The result of an answer: whether it was credible, and the operation it began, if any."""

    believed: bool
    next: Asked | None


class ProviderCalls:
    """Calls providers outside any transaction, and concludes operations by their answers."""

    def __init__(
        self,
        database: Database,
        facts: PaymentFacts,
        audit: AuditService,
        providers: ProviderRegistry,
        bulkhead: Bulkhead,
        clock: Clock,
        random: Random,
    ) -> None:
        self._database = database
        self._facts = facts
        self._audit = audit
        self._providers = providers
        self._bulkhead = bulkhead
        self._clock = clock
        self._random = random

    def turn(self) -> AbstractContextManager[Turn]:
        """Return a turn, in which ``take_place`` takes a place for a provider call."""
        return self._bulkhead.turn()

    async def perform(
        self, merchant_id: MerchantId, first: Asked, turn: Turn, finish: Finish
    ) -> bool:
        """Make the call of a committed operation, and apply the provider's answer.

        Return whether the answer was applied and committed, and ``finish`` with it.

        If the answer begins an operation at the payment's next provider account, call that too.
        The command does not fail from here on, since the provider may have done its part already.
        If the answer cannot be applied now, or the next account has no free place, the operation
        stays open until a webhook or recovery concludes it. ``finish`` runs in the transaction of
        the last answer.
        """
        asked: Asked | None = first
        try:
            while asked is not None:
                take_place(turn, asked.payment)
                reply = await self.ask(merchant_id, asked)
                concluded = await self.conclude(merchant_id, asked, reply, finish)
                asked = concluded.next
        except Unavailable as error:
            _log.warning(
                "operation_not_concluded", operation=str(first.operation.id), code=error.code
            )
        except Exception:  # noqa: BLE001 - the operation stays open; recovery looks it up
            _log.exception("operation_not_concluded", operation=str(first.operation.id))
        else:
            return True
        return False

    async def ask(self, merchant_id: MerchantId, asked: Asked) -> Reply:
        """Call the provider, unless its circuit breaker is open: then return ``NotSent``.

        If the adapter raises, the outcome is unknown: the call may have been sent.
        """
        account_id = asked.payment.order.provider_account_id
        provider = await self._providers.get(merchant_id, account_id)
        return await provider.operate(request_of(asked.payment, asked.operation))

    async def conclude(
        self, merchant_id: MerchantId, asked: Asked, reply: Reply, finish: Finish
    ) -> Concluded:
        """Apply the provider's answer, and return the result.

        An ``Unknown`` reply marks the operation unknown until a look-up or a webhook settles it.
        ``finish`` runs in the same transaction, unless the answer begins another operation.
        """
        payment, operation = asked
        async with self._database.transaction() as connection:
            match reply:
                case Answered(reports):
                    return await self._apply(connection, merchant_id, asked, reports, finish)
                case NotSent():
                    report = Report(payment.id, None, reply, operation.refund_id)
                    return await self._apply(connection, merchant_id, asked, [report], finish)
                case Unknown(reason):
                    await self._note_unknown(connection, merchant_id, operation, reason)
                    await finish(connection)
                    return Concluded(believed=True, next=None)

    async def _apply(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        asked: Asked,
        reports: Sequence[Report],
        finish: Finish,
    ) -> Concluded:
        payment, operation = asked
        cause = Cause.of("operation", operation.id)
        account_id = payment.order.provider_account_id
        arrivals = [Arrival(account_id, report, cause, operation.id) for report in reports]
        judged = await self._facts.decide(connection, merchant_id, arrivals)
        verdicts = judged.verdicts
        untrue = next((one.outcome for one in verdicts if one.outcome in QUARANTINED), None)
        if untrue is not None:  # an answer that contradicts the payment proves no outcome
            await self._note_unknown(connection, merchant_id, operation, untrue.value)
        begun = [Asked(one.payment, one.begun) for one in verdicts if one.payment and one.begun]
        if not begun:  # before the balances are locked, since it reads
            await finish(connection)
        await self._facts.post(connection, merchant_id, judged)
        return Concluded(untrue is None, begun[-1] if begun else None)

    async def _note_unknown(
        self, connection: Connection, merchant_id: MerchantId, operation: Operation, reason: str
    ) -> None:
        due_in = lookup_delay(0, self._random)
        if not await operations.mark_unknown(connection, merchant_id, operation.id, reason, due_in):
            return  # it is settled, or marked already
        change = _unknown(operation, reason)
        await self._audit.write(connection, merchant_id, [change], self._clock.now())


def take_place(turn: Turn, payment: Payment) -> None:
    """Take a place for a call to a payment's provider account.

    Call it before a command commits, so that a refused command leaves nothing behind.

    Raises:
        Unavailable: ``provider_account_busy``.
    """
    turn.take(str(payment.order.provider_account_id))


def request_of(
    payment: Payment, operation: Operation, begun_at: datetime | None = None
) -> OperationRequest:
    """Return the request of an operation, which is the same each time.

    ``begun_at`` is for look-ups only; see ``AuthorizeRequest``.
    """
    key = idempotency_key(operation.id)
    amount = Money(operation.amount, payment.order.terms.amount.currency)
    made = payment.provider_reference or ""
    match operation.kind:
        case OperationKind.AUTHORIZE:
            order = payment.order
            return AuthorizeRequest(
                key,
                payment.id,
                order.terms.amount,
                order.payment_method,
                capture=order.terms.capture_method == "automatic",
                return_url=order.terms.return_url,
                provider_reference=payment.provider_reference,
                begun_at=begun_at,
                operation_id=operation.id,
                declined_reference=payment.declined_reference if payment.declined_open else None,
                details=_details(order.terms),
            )
        case OperationKind.CAPTURE:
            reserved = payment.authorization_reference or made
            return CaptureRequest(key, payment.id, amount, operation.final, made, reserved)
        case OperationKind.CANCEL:
            return CancelRequest(key, payment.id, made, payment.authorization_reference)
        case OperationKind.REFUND:
            refund_id, capture = operation.refund_id, operation.capture_reference
            assert refund_id is not None  # noqa: S101 - a CHECK of the table
            assert capture is not None  # noqa: S101 - another CHECK
            return RefundRequest(key, payment.id, refund_id, amount, made, capture)
        case kind:
            assert_never(kind)


def _details(terms: PaymentTerms) -> OrderDetails:
    """Return the details of a payment that its provider receives."""
    return OrderDetails(
        terms.reference,
        terms.description,
        terms.statement_descriptor,
        terms.customer.reference,
        terms.customer.email,
        {key: terms.metadata[key] for key in terms.provider_metadata},
    )


def _unknown(operation: Operation, reason: str) -> Change:
    return Change(
        PaymentAction.OUTCOME_UNKNOWN,
        "payment",
        operation.payment_id,
        ENGINE,
        Cause.of("operation", operation.id),
        {"kind": operation.kind.value, "reason": reason},
    )


async def lock_payment(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> Payment:
    """Lock a payment until the transaction ends, and return it.

    Raises:
        NotFound: the merchant has no such payment.
    """
    locked = await store.lock_payments(connection, merchant_id, [payment_id])
    return ids.existing("payment", payment_id, locked.get(payment_id))
