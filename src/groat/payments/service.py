"""Payments: take one, look at one, and apply the facts that move them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import structlog

from groat.accounts.domain import chart
from groat.accounts.service import AccountService
from groat.audit.domain.record import Cause, Change
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
)
from groat.payments.domain import payment as payments
from groat.payments.domain import recipes
from groat.payments.domain.decisions import (
    ENGINE,
    Arrival,
    Effect,
    Verdict,
    decide,
    effect_key,
)
from groat.payments.domain.lifecycle import Outcome, Status
from groat.payments.domain.payment import Payment, PaymentOrder
from groat.payments.domain.recovery import Resolution, delay_after
from groat.payments.infrastructure import store
from groat.payments.infrastructure.store import OperationResult, PostedEffect
from groat.platform import idempotency
from groat.platform.checks import Check, checks_from
from groat.platform.connection import Connection
from groat.platform.database import Database
from groat.platform.idempotency import RequestKey
from groat.providers.domain.facts import Captured, Fact, NotSent, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, Authorization, Provider, Reply, Unknown
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)


class PaymentService:
    """The verbs of payments. No transaction of theirs is open while a provider is called.

    An operation that is ``pending`` for longer than ``pending_for`` is taken to be abandoned, and
    is looked up: see ``recovery``.
    """

    def __init__(
        self,
        database: Database,
        accounts: AccountService,
        audit: AuditService,
        providers: ProviderRegistry,
        new_id: IdSource,
        clock: Clock,
        random: Random,
        *,
        pending_for: timedelta,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._audit = audit
        self._providers = providers
        self._new_id = new_id
        self._clock = clock
        self._random = random
        self._pending_for = pending_for

    async def create(
        self, caller: Caller, order: PaymentOrder, request_key: RequestKey | None
    ) -> Payment:
        """Take a payment: write it down, call the provider, apply what it answers.

        ``request_key`` is the caller's idempotency key and the request it came with: a key that
        came before answers with the payment made then, as it stands now.

        Raises:
            NotFound: no such beneficiary or provider account.
            InvalidRequest: the beneficiary is not a wallet, or is of another currency.
            Conflict: the key came before with another request.
        """
        provider = await self._providers.get(caller.merchant_id, order.provider_account_id)
        payment = payments.begin(PaymentId(self._new_id()), order, self._clock.now())
        operation_id = OperationId(self._new_id())
        earlier = await self._write_down(caller, payment, operation_id, request_key)
        if earlier is not None:
            return await self.get(caller.merchant_id, earlier)
        reply = await _ask(provider, payment, operation_id)
        try:
            await self.conclude(caller.merchant_id, payment, operation_id, reply)
            return await self.get(caller.merchant_id, payment.id)
        except Unavailable as error:  # it is written down and perhaps charged: no time for a 503
            _log.warning("payment_not_concluded", payment=str(payment.id), code=error.code)
            return payment

    async def get(self, merchant_id: MerchantId, payment_id: PaymentId) -> Payment:
        """Return a payment.

        Raises:
            NotFound: the merchant has no such payment.
        """
        async with self._database.transaction() as connection:
            found = await store.payment(connection, merchant_id, payment_id)
        if found is None:
            raise ids.not_found("payment", ids.render("payment", payment_id))
        return found

    async def page(
        self, merchant_id: MerchantId, *, before: PaymentId | None, limit: int
    ) -> list[Payment]:
        """Return payments, newest first."""
        async with self._database.transaction() as connection:
            return await store.payments(connection, merchant_id, before, limit)

    async def count_by_status(self, merchant_id: MerchantId) -> dict[Status, int]:
        """Return how many payments stand where."""
        async with self._database.transaction() as connection:
            return await store.count_by_status(connection, merchant_id)

    async def effects(self, merchant_id: MerchantId) -> list[PostedEffect]:
        """Return every effect that was applied, to be held against a provider's books."""
        async with self._database.transaction() as connection:
            return await store.effects(connection, merchant_id)

    async def resolve(
        self, merchant_id: MerchantId, payment_id: PaymentId, resolution: Resolution
    ) -> Payment:
        """Conclude a payment by what an operator has found out: the same facts, the same rules.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: the payment does not take it; the code is the outcome, such as ``late``.
        """
        payment = await self.get(merchant_id, payment_id)
        arrival = Arrival(
            payment.order.provider_account_id,
            Report(payment_id, None, _found_out(payment, resolution)),
            Cause(resolution.reason),
            told_by="operator",
        )
        async with self._database.transaction() as connection:
            [outcome] = await self.apply(connection, merchant_id, [arrival])
            if outcome is not Outcome.APPLIED:
                status = payment.status.value
                raise Conflict(outcome.value, f"The payment is {status}; it does not take this.")
        return await self.get(merchant_id, payment_id)

    async def apply(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        arrivals: Sequence[Arrival],
    ) -> list[Outcome]:
        """Apply facts in the caller's transaction: lock, decide, write. One outcome for each.

        Whoever brings a fact, it comes through here; nothing else moves a payment.
        """
        now = self._clock.now()
        locked = await store.lock_payments(
            connection,
            merchant_id,
            {one.report.payment_id for one in arrivals if one.report.payment_id},
        )
        keys = {key for key in map(effect_key, arrivals) if key is not None}
        known = await store.find_effects(connection, merchant_id, keys) if keys else {}
        verdicts = list(decide(locked, known, arrivals, now))
        await self._write(connection, merchant_id, verdicts, arrivals, now)
        changes = [verdict.change for verdict in verdicts if verdict.change is not None]
        if changes:
            self._audit.write(connection, merchant_id, changes, now)
        return [verdict.outcome for verdict in verdicts]

    async def _write_down(
        self,
        caller: Caller,
        payment: Payment,
        operation_id: OperationId,
        request_key: RequestKey | None,
    ) -> PaymentId | None:
        """Write the payment and its operation; or return the payment made under the key before."""
        now = payment.created_at
        async with self._database.transaction() as connection:
            if request_key is not None:
                earlier = await idempotency.claim(
                    connection, caller.merchant_id, request_key, payment.id, now
                )
                if earlier is not None:
                    return PaymentId(earlier)
            await self._require_wallet(connection, caller.merchant_id, payment.order)
            due_at = now + self._pending_for
            store.insert_payment(connection, caller.merchant_id, payment, operation_id, due_at)
            change = _created(caller, payment)
            self._audit.write(connection, caller.merchant_id, [change], now)
        return None

    async def _require_wallet(
        self, connection: Connection, merchant_id: MerchantId, order: PaymentOrder
    ) -> None:
        beneficiary = await self._accounts.get_within(connection, merchant_id, order.beneficiary_id)
        if beneficiary.spec.normal_side != "credit":
            raise InvalidRequest(
                "beneficiary_not_a_wallet",
                f"Account {beneficiary.spec.code!r} is one of Groat's own; pay into a wallet.",
            )
        if beneficiary.spec.currency != order.amount.currency:
            raise InvalidRequest(
                "currency_mismatch",
                f"The payment is in {order.amount.currency} and the beneficiary's account in "
                f"{beneficiary.spec.currency}.",
            )
        if beneficiary.status != "open":
            raise Conflict(
                f"account_{beneficiary.status}",
                f"Account {beneficiary.spec.code!r} is {beneficiary.status}; it takes no payments.",
            )

    async def conclude(
        self,
        merchant_id: MerchantId,
        payment: Payment,
        operation_id: OperationId,
        reply: Reply,
    ) -> None:
        """Apply what the provider answered. An unknown outcome stays so until it is learned."""
        cause = Cause.of("operation", operation_id)
        account_id = payment.order.provider_account_id
        async with self._database.transaction() as connection:
            match reply:
                case Answered(reports):
                    arrivals = [Arrival(account_id, report, cause) for report in reports]
                    await self.apply(connection, merchant_id, arrivals)
                case NotSent():
                    report = Report(payment.id, None, reply)
                    await self.apply(connection, merchant_id, [Arrival(account_id, report, cause)])
                case Unknown(reason):
                    await self._note_unknown(
                        connection, merchant_id, payment.id, operation_id, reason
                    )

    async def _note_unknown(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        payment_id: PaymentId,
        operation_id: OperationId,
        reason: str,
    ) -> None:
        now = self._clock.now()
        due_at = now + delay_after(0, self._random)
        if not await store.mark_operation_unknown(
            connection, merchant_id, operation_id, reason, due_at, now
        ):
            return  # somebody else has learned the outcome
        cause, data = Cause.of("operation", operation_id), {"reason": reason}
        change = Change("operation.unknown", "payment", payment_id, ENGINE, cause, data)
        self._audit.write(connection, merchant_id, [change], now)

    async def _write(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        verdicts: Sequence[Verdict],
        arrivals: Sequence[Arrival],
        now: datetime,
    ) -> None:
        moved = {one.payment.id: one.payment for one in verdicts if one.payment is not None}
        if not moved:
            return
        results = [
            OperationResult(
                verdict.payment.id, verdict.operation, arrival.report.provider_reference
            )
            for verdict, arrival in zip(verdicts, arrivals, strict=True)
            if verdict.payment is not None and verdict.operation is not None
        ]
        store.update_payments(connection, merchant_id, moved.values(), now)
        store.settle_operations(connection, merchant_id, results, now)
        effects = [verdict.effect for verdict in verdicts if verdict.effect is not None]
        if effects:
            await self._post(connection, merchant_id, effects, now)

    async def _post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        effects: Sequence[Effect],
        now: datetime,
    ) -> None:
        """Write effects and their postings; clearing accounts are opened when first needed."""
        clearing = [
            chart.clearing(one.key.provider_account_id, one.payment.order.amount.currency)
            for one in effects
        ]
        account_ids = await self._accounts.ensure(connection, merchant_id, clearing, now)
        facts = [
            recipes.captured(merchant_id, effect, account_ids[spec.code])
            for effect, spec in zip(effects, clearing, strict=True)
        ]
        numbered = [(effect, fact.id) for effect, fact in zip(effects, facts, strict=True)]
        store.insert_effects(connection, merchant_id, numbered, now)
        await self._accounts.post(connection, merchant_id, facts, ENGINE, now)


async def _ask(provider: Provider, payment: Payment, operation_id: OperationId) -> Reply:
    """Call the provider. An adapter that raises has told us nothing: the outcome is unknown."""
    try:
        return await provider.authorize(authorization(payment, operation_id))
    except Exception as error:  # noqa: BLE001 - it was perhaps sent, so this is no failure
        _log.exception("adapter_raised", operation=str(operation_id))
        return Unknown(type(error).__name__)


def authorization(payment: Payment, operation_id: OperationId) -> Authorization:
    """Return what an operation asks of the provider: the same each time it is asked."""
    return Authorization(
        payments.idempotency_key(operation_id),
        payment.id,
        payment.order.amount,
        payment.order.payment_method,
    )


def _found_out(payment: Payment, resolution: Resolution) -> Fact:
    if resolution.capture_reference is None:
        return NotSent(FailureCode.RESOLVED_BY_OPERATOR, resolution.reason)
    return Captured(resolution.capture_reference, payment.order.amount)


def checks() -> list[Check]:
    """Return what must be true of payments."""
    return checks_from(
        store.QUERIES,
        {
            "payments_match_effects": "payment",
            "payments_match_operations": "payment",
            "payments_match_record": "payment",
            "effects_are_posted_once": "effect",
            "postings_have_effects": "ledger transaction",
            "idempotency_keys_have_objects": "idempotency key",
        },
    )


def _created(caller: Caller, payment: Payment) -> Change:
    order = payment.order
    return Change(
        "payment.created",
        "payment",
        payment.id,
        caller.actor,
        Cause(caller.request_id),
        {
            "amount": order.amount.amount,
            "currency": order.amount.currency,
            "beneficiary": ids.render("account", order.beneficiary_id),
            "provider_account": ids.render("provider_account", order.provider_account_id),
            "status": payment.status.value,
        },
    )
