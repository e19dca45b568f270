"""Book facts and movements of payments: one ledger transaction for each fact with its movements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from groat.accounts.domain.ledger import Transaction
from groat.accounts.service.postings import EnginePostings
from groat.audit.domain.record import Change
from groat.kernel.caller import ENGINE
from groat.kernel.ids import HoldId, MerchantId, PaymentId, ProviderAccountId
from groat.movements.service import MovementService, PostedMovement
from groat.payments.domain.bundles import Bundle, Receipt, bundled, reports_of
from groat.payments.domain.debts import Debts, accounts_of, fact_postings, rounds
from groat.payments.infrastructure import payments as store
from groat.platform.postgres.connection import Connection


class Booked(NamedTuple):
    """The result of a posting: its audit records, and the debts that changed, by payment."""

    changes: list[Change]
    owed: Mapping[PaymentId, int]


class Bookkeeper:
    """Posts the effects of facts, and the movements that came with them or by the feed."""

    def __init__(self, postings: EnginePostings, movements: MovementService) -> None:
        self._postings = postings
        self._movements = movements

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        receipts: Sequence[Receipt],
        owed: Mapping[PaymentId, int],
        released: Sequence[HoldId],
        now: datetime,
    ) -> Booked:
        """Post receipts, and write effects, places and debts.

        ``owed`` has the debts of the beneficiaries, by payment.
        """
        bundles = await self._bundles(connection, merchant_id, receipts, now)
        if not bundles and not released:
            return Booked([], {})
        specs = [spec for one in bundles for spec in accounts_of(one)]
        account_ids = await self._postings.ensure(connection, merchant_id, specs, now)
        debts, changes, holds = Debts(owed), list[Change](), released
        for part in rounds(bundles):
            repaid = [debts.repay(one) for one in part]
            posted = [(one, one.transaction(merchant_id, account_ids)) for one in repaid]
            self._write(connection, merchant_id, posted, now)
            facts, holds = fact_postings(posted, holds, account_ids), ()
            if not facts.transactions and not facts.released:
                continue
            booked, records = await self._postings.post(connection, merchant_id, facts, ENGINE, now)
            debts.note(posted, booked, facts)
            changes += records
        if debts.changed:
            store.update_owed(connection, merchant_id, debts.changed)
        changes += [change for one in bundles for change in one.changes]
        return Booked(changes, debts.changed)

    async def _bundles(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        receipts: Sequence[Receipt],
        now: datetime,
    ) -> list[Bundle]:
        """Book receipts by the open items of their provider accounts, in the order of accounts."""
        by_account: dict[ProviderAccountId, list[Receipt]] = defaultdict(list)
        for receipt in receipts:
            by_account[receipt.account_id].append(receipt)
        bundles: list[Bundle] = []
        for account_id in sorted(by_account):
            ours = by_account[account_id]
            bundles += await self._movements.decide(
                connection,
                merchant_id,
                account_id,
                reports_of(ours),
                partial(bundled, ours),
                now,
            )
        return bundles

    def _write(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        posted: Sequence[tuple[Bundle, Transaction | None]],
        now: datetime,
    ) -> None:
        """Write effects and places, each with the ledger transaction that posts it."""
        effects = [
            (one.effect, transaction.id)
            for one, transaction in posted
            if one.effect is not None and transaction is not None
        ]
        if effects:
            store.insert_effects(connection, merchant_id, effects, now)
        by_account: dict[ProviderAccountId, list[PostedMovement]] = defaultdict(list)
        for one, transaction in posted:
            made = None if transaction is None else transaction.id
            by_account[one.account_id] += [(movement, made) for movement in one.booked]
        for account_id, placed in by_account.items():
            self._movements.place(connection, merchant_id, account_id, placed, now)
