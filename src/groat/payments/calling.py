"""Calls to providers: what an operation asks, and what is made of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import assert_never

import structlog

from groat.audit.domain.record import Cause, Change
from groat.audit.service import AuditService
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId
from groat.kernel.money import Money
from groat.payments.domain.lifecycle import QUARANTINED, Outcome
from groat.payments.domain.operation import Operation, OperationKind, idempotency_key
from groat.payments.domain.payment import Payment
from groat.payments.domain.recovery import delay_after
from groat.payments.domain.verdicts import ENGINE, Arrival
from groat.payments.facts import PaymentFacts
from groat.payments.infrastructure import operations
from groat.platform import timings
from groat.platform.connection import Connection
from groat.platform.database import Database
from groat.providers.domain.facts import NotSent, Report
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    OperationRequest,
    Provider,
    RefundRequest,
    Reply,
    Unknown,
)
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)


class ProviderCalls:
    """Asks providers, outside any transaction, and concludes operations by what they answer."""

    def __init__(
        self,
        database: Database,
        facts: PaymentFacts,
        audit: AuditService,
        providers: ProviderRegistry,
        clock: Clock,
        random: Random,
    ) -> None:
        self._database = database
        self._facts = facts
        self._audit = audit
        self._providers = providers
        self._clock = clock
        self._random = random

    async def perform(
        self, merchant_id: MerchantId, payment: Payment, operation: Operation
    ) -> None:
        """Make the call that was written down, and apply what is answered.

        By now it is perhaps done: that the answer cannot be applied for the moment is no failure of
        the command, and is left to the webhook or to recovery.
        """
        try:
            provider = await self._providers.get(merchant_id, payment.order.provider_account_id)
            reply = await ask(provider, request_of(payment, operation))
            await self.conclude(merchant_id, payment, operation, reply)
        except Unavailable as error:
            _log.warning("operation_not_concluded", operation=str(operation.id), code=error.code)

    async def conclude(
        self, merchant_id: MerchantId, payment: Payment, operation: Operation, reply: Reply
    ) -> list[Outcome]:
        """Apply what the provider answered, and return an outcome for each of its reports.

        An unknown outcome stays so until it is learned.
        """
        async with self._database.transaction() as connection:
            match reply:
                case Answered(reports):
                    return await self._apply(connection, merchant_id, payment, operation, reports)
                case NotSent():
                    report = Report(payment.id, None, reply, operation.refund_id)
                    return await self._apply(connection, merchant_id, payment, operation, [report])
                case Unknown(reason):
                    await self._note_unknown(connection, merchant_id, operation, reason)
                    return []

    async def _apply(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        payment: Payment,
        operation: Operation,
        reports: Sequence[Report],
    ) -> list[Outcome]:
        cause = Cause.of("operation", operation.id)
        account_id = payment.order.provider_account_id
        arrivals = [Arrival(account_id, report, cause, operation.id) for report in reports]
        outcomes = await self._facts.apply(connection, merchant_id, arrivals)
        untrue = next((one for one in outcomes if one in QUARANTINED), None)
        if untrue is not None:  # what cannot be right does not say how it ended
            await self._note_unknown(connection, merchant_id, operation, untrue.value)
        return outcomes

    async def _note_unknown(
        self, connection: Connection, merchant_id: MerchantId, operation: Operation, reason: str
    ) -> None:
        now = self._clock.now()
        due_at = now + delay_after(0, self._random)
        if not await operations.mark_unknown(
            connection, merchant_id, operation.id, reason, due_at, now
        ):
            return  # somebody else has learned the outcome
        change = _unknown(operation, reason)
        self._audit.write(connection, merchant_id, [change], now)


async def ask(provider: Provider, request: OperationRequest) -> Reply:
    """Call the provider. An adapter that raises has told us nothing: the outcome is unknown."""
    try:
        with timings.spent_on("provider"):
            return await _call(provider, request)
    except Exception as error:  # noqa: BLE001 - it was perhaps sent, so this is no failure
        _log.exception("adapter_raised", key=request.idempotency_key)
        return Unknown(type(error).__name__)


async def _call(provider: Provider, request: OperationRequest) -> Reply:
    match request:
        case AuthorizeRequest():
            return await provider.authorize(request)
        case CaptureRequest():
            return await provider.capture(request)
        case CancelRequest():
            return await provider.cancel(request)
        case RefundRequest():
            return await provider.refund(request)
        case _:
            assert_never(request)


def request_of(payment: Payment, operation: Operation) -> OperationRequest:
    """Return what an operation asks of the provider: the same each time it is asked."""
    key = idempotency_key(operation.id)
    amount = Money(operation.amount, payment.order.amount.currency)
    made = payment.provider_reference or ""
    match operation.kind:
        case OperationKind.AUTHORIZE:
            order = payment.order
            return AuthorizeRequest(
                key,
                payment.id,
                order.amount,
                order.payment_method,
                capture=order.capture_method == "automatic",
                return_url=order.return_url,
                provider_reference=payment.provider_reference,
            )
        case OperationKind.CAPTURE:
            reserved = payment.authorization_reference or made
            return CaptureRequest(key, payment.id, amount, operation.final, made, reserved)
        case OperationKind.CANCEL:
            return CancelRequest(key, payment.id, made, payment.authorization_reference)
        case OperationKind.REFUND:
            refund_id, capture = operation.refund_id, operation.capture_reference
            assert refund_id is not None  # noqa: S101 - a row CHECK says so
            assert capture is not None  # noqa: S101 - and another
            return RefundRequest(key, payment.id, refund_id, amount, made, capture)
        case kind:
            assert_never(kind)


def _unknown(operation: Operation, reason: str) -> Change:
    return Change(
        "operation.unknown",
        "payment",
        operation.payment_id,
        ENGINE,
        Cause.of("operation", operation.id),
        {"kind": operation.kind.value, "reason": reason},
    )
