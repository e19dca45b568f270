"""Apply facts: lock, decide, write. Every fact passes through here, from any origin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from groat.audit.domain.record import Cause, Change
from groat.audit.service.records import AuditService
from groat.kernel.clock import Clock
from groat.kernel.ids import DisputeId, MerchantId, ProviderAccountId
from groat.payments.domain.bundles import Receipt
from groat.payments.domain.dispute import DisputeMoney
from groat.payments.domain.facts import decide
from groat.payments.domain.ownership import OwnedMovement, attributed_movements, owned
from groat.payments.domain.standing import Arrival, Standing
from groat.payments.domain.transitions import Moved, shown_changes
from groat.payments.domain.verdict import Verdict
from groat.payments.infrastructure import disputes, operations, refunds
from groat.payments.infrastructure import payments as store
from groat.payments.infrastructure.payments import lock_standing
from groat.payments.service.bookkeeper import Bookkeeper
from groat.platform.postgres.connection import Connection


class Judged(NamedTuple):
    """Facts that are decided on and not posted yet: the objects before them, and the verdicts."""

    standing: Standing
    arrivals: Sequence[Arrival]
    verdicts: list[Verdict]


class PaymentFacts:
    """Applies facts to payments in the caller's transaction. No other code applies a fact."""

    def __init__(
        self,
        bookkeeper: Bookkeeper,
        audit: AuditService,
        clock: Clock,
        *,
        pending_for: timedelta,
    ) -> None:
        self._bookkeeper = bookkeeper
        self._audit = audit
        self._clock = clock
        self._pending_for = pending_for

    async def apply(
        self, connection: Connection, merchant_id: MerchantId, arrivals: Sequence[Arrival]
    ) -> list[Verdict]:
        """Apply facts and return the verdict on each.

        A verdict may begin an operation at the next provider account. If the fact answers a call,
        the process that made the call continues with it. If it came by webhook, any worker does,
        at once.
        """
        judged = await self.decide(connection, merchant_id, arrivals)
        await self.post(connection, merchant_id, judged)
        return judged.verdicts

    async def decide(
        self, connection: Connection, merchant_id: MerchantId, arrivals: Sequence[Arrival]
    ) -> Judged:
        """Lock and decide, and write all but the postings; ``post`` must follow.

        So a caller can read the objects before the balances are locked.
        """
        now = self._clock.now()
        standing = await lock_standing(connection, merchant_id, arrivals)
        verdicts = list(decide(standing, arrivals, now))
        for verdict, arrival in zip(verdicts, arrivals, strict=True):
            if verdict.begun is not None and verdict.payment is not None:
                asked_soon = arrival.operation_id is not None
                due_in = self._pending_for if asked_soon else timedelta()
                account_id = verdict.payment.order.provider_account_id
                operations.insert_operation(
                    connection, merchant_id, account_id, verdict.begun, due_in
                )
        _write(connection, merchant_id, verdicts, now)  # may settle operations begun above
        return Judged(standing, arrivals, verdicts)

    async def post(self, connection: Connection, merchant_id: MerchantId, judged: Judged) -> None:
        """Post the effects and movements of the facts, and write the audit records."""
        now = self._clock.now()
        standing, _, verdicts = judged
        before = await _dispute_money(connection, merchant_id, verdicts)
        booked = await self._bookkeeper.post(
            connection,
            merchant_id,
            _receipts(judged),
            {payment.id: payment.owed for payment in standing.payments.values()},
            [one.released for one in verdicts if one.released is not None],
            now,
        )
        after = await _dispute_money(connection, merchant_id, verdicts)
        changes = shown_changes(standing, verdicts, Moved(*booked, before, after))
        if changes:
            await self._audit.write(connection, merchant_id, changes, now)

    async def book(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        movements: Sequence[OwnedMovement],
        cause: Cause,
    ) -> list[Change]:
        """Post movements of the provider's list, each in one transaction, if it is not posted yet.

        The facts of our movements are applied before, by ``apply``. Return the audit records, which
        the caller writes.
        """
        now = self._clock.now()
        wanted = {one.payment_id for one in movements if one.payment_id is not None}
        payments = await store.lock_payments(connection, merchant_id, wanted)
        claims = await disputes.claims(connection, merchant_id, account_id, movements)
        receipts = [
            Receipt(
                account_id,
                None if one.payment_id is None else payments.get(one.payment_id),
                None,
                (owned(one, payments, claims),),
                cause,
            )
            for one in movements
        ]
        owed = {payment.id: payment.owed for payment in payments.values()}
        booked = await self._bookkeeper.post(connection, merchant_id, receipts, owed, (), now)
        return shown_changes(Standing(payments), (), Moved(*booked, {}, {}))


def _write(
    connection: Connection, merchant_id: MerchantId, verdicts: Sequence[Verdict], now: datetime
) -> None:
    """Write the objects that the verdicts changed, each in its last state."""
    payments = {one.payment.id: one.payment for one in verdicts if one.payment is not None}
    if payments:
        store.update_payments(connection, merchant_id, payments.values())
    changed = {one.refund.id: one.refund for one in verdicts if one.refund is not None}
    made = {one.refund.id for one in verdicts if one.refund is not None and one.made}
    if made:
        new = [changed.pop(refund_id) for refund_id in sorted(made)]
        refunds.insert_refunds(connection, merchant_id, new, now)
    if changed:
        refunds.update_refunds(connection, merchant_id, changed.values(), now)
    disputed = {one.dispute.id: one.dispute for one in verdicts if one.dispute is not None}
    if disputed:
        disputes.put_disputes(connection, merchant_id, disputed.values())
    ended = [settled for verdict in verdicts for settled in verdict.settled]
    if ended:
        operations.settle(connection, merchant_id, ended)
    resumed = [one.resumed for one in verdicts if one.resumed is not None]
    if resumed:
        operations.resume(connection, merchant_id, resumed)


async def _dispute_money(
    connection: Connection, merchant_id: MerchantId, verdicts: Iterable[Verdict]
) -> dict[DisputeId, DisputeMoney]:
    """Return the money that the disputes of ``verdicts`` have moved so far."""
    disputed = {one.dispute.id for one in verdicts if one.dispute is not None}
    return await disputes.sums(connection, merchant_id, sorted(disputed)) if disputed else {}


def _receipts(judged: Judged) -> list[Receipt]:
    """Return the money of the arrivals that have any: effects and movements."""
    standing, arrivals, verdicts = judged
    found = []
    for arrival, verdict in zip(arrivals, verdicts, strict=True):
        movements = attributed_movements(arrival, verdict, standing.payments)
        if verdict.effect is None and not movements:
            continue
        payment = None if verdict.payment_id is None else standing.payments[verdict.payment_id]
        found.append(
            Receipt(
                arrival.provider_account_id,
                payment,
                verdict.effect,
                tuple(movements),
                arrival.cause,
            )
        )
    return found
