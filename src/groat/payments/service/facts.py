"""Apply facts: lock, decide, write. Every fact passes through here, from any origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from groat.accounts.domain.decisions import FactPostings
from groat.accounts.domain.ledger import Transaction
from groat.accounts.service.postings import EnginePostings
from groat.audit.domain.record import Change
from groat.audit.service.records import AuditService
from groat.kernel.caller import ENGINE
from groat.kernel.clock import Clock
from groat.kernel.ids import AccountId, DisputeId, MerchantId, TransactionId
from groat.payments.domain import recipes
from groat.payments.domain.facts import decide
from groat.payments.domain.standing import Arrival, Standing
from groat.payments.domain.transitions import shown_changes
from groat.payments.domain.verdict import Effect, Verdict
from groat.payments.infrastructure import disputes, operations, refunds
from groat.payments.infrastructure import payments as store
from groat.payments.infrastructure.payments import lock_standing
from groat.platform.postgres.connection import Connection


class Judged(NamedTuple):
    """Facts that are decided on and not posted yet: the objects before them, and the verdicts."""

    standing: Standing
    verdicts: list[Verdict]


class PaymentFacts:
    """Applies facts to payments in the caller's transaction. No other code applies a fact."""

    def __init__(
        self,
        postings: EnginePostings,
        audit: AuditService,
        clock: Clock,
        *,
        pending_for: timedelta,
    ) -> None:
        self._postings = postings
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
        return Judged(standing, verdicts)

    async def post(self, connection: Connection, merchant_id: MerchantId, judged: Judged) -> None:
        """Post the effects of the verdicts, and write the audit records."""
        now = self._clock.now()
        changes, shortfalls = await self._post(connection, merchant_id, judged.verdicts, now)
        changes += shown_changes(judged.standing, judged.verdicts, shortfalls)
        if changes:
            await self._audit.write(connection, merchant_id, changes, now)

    async def _post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        verdicts: Sequence[Verdict],
        now: datetime,
    ) -> tuple[list[Change], Mapping[DisputeId, int]]:
        """Write effects and post them, and return the audit records of the postings.

        Return also, for each dispute that took its amount, the part that the beneficiary lacked.
        Open the engine's accounts that do not exist yet.
        """
        effects = [one.effect for one in verdicts if one.effect is not None]
        released = [one.released for one in verdicts if one.released is not None]
        if not effects and not released:
            return [], {}
        specs = [spec for effect in effects for spec in recipes.own_accounts(effect)]
        account_ids = await self._postings.ensure(connection, merchant_id, specs, now)
        postings = [
            (effect, recipes.posting(merchant_id, effect, account_ids)) for effect in effects
        ]
        if postings:
            numbered = [(effect, transaction.id) for effect, transaction in postings]
            store.insert_effects(connection, merchant_id, numbered, now)
        facts = FactPostings(
            [transaction for _, transaction in postings],
            taken={one.id: effect.hold_id for effect, one in postings if effect.hold_id},
            released=released,
            owed=_owed(postings, account_ids),
        )
        posted, changes = await self._postings.post(connection, merchant_id, facts, ENGINE, now)
        shortfalls = dict(_shortfalls(postings, posted, facts))
        if shortfalls:
            disputes.note_shortfalls(connection, merchant_id, shortfalls)
        return changes, shortfalls


def _write(
    connection: Connection, merchant_id: MerchantId, verdicts: Sequence[Verdict], now: datetime
) -> None:
    """Write the objects that the verdicts changed, each in its last state."""
    payments = {one.payment.id: one.payment for one in verdicts if one.payment is not None}
    if payments:
        store.update_payments(connection, merchant_id, payments.values())
    changed = {one.refund.id: one.refund for one in verdicts if one.refund is not None}
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


def _owed(
    postings: Iterable[tuple[Effect, Transaction]], account_ids: dict[str, AccountId]
) -> dict[TransactionId, AccountId]:
    owed = ((one.id, recipes.owed(effect, account_ids)) for effect, one in postings)
    return {transaction_id: account for transaction_id, account in owed if account is not None}


def _shortfalls(
    postings: Iterable[tuple[Effect, Transaction]],
    posted: Iterable[Transaction],
    facts: FactPostings,
) -> Iterable[tuple[DisputeId, int]]:
    """Yield, for each withdrawal of a dispute, the part that the beneficiary lacked."""
    entries = {one.id: one.entries for one in posted}
    for effect, transaction in postings:
        owed_id = facts.owed.get(transaction.id)
        if owed_id is not None and effect.dispute_id is not None:
            owed = [one.amount for one in entries[transaction.id] if one.account_id == owed_id]
            yield effect.dispute_id, -sum(owed)
