"""Events of balances: tells merchants that the balances of watched accounts have changed.

The worker derives these events from committed entries, so a posting pays nothing for them.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from groat.accounts.domain.actions import AccountAction
from groat.accounts.domain.chart import Account
from groat.accounts.infrastructure import accounts as store
from groat.audit.domain.record import Change, Transition
from groat.audit.service.records import AuditService
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.ids import MerchantId
from groat.kernel.value import replace
from groat.platform.postgres.database import Database

MOST_BALANCES = 100
"""Maximum balances told at once."""


class BalanceEvents:
    """Writes one event for each watched balance with entries since the last event."""

    def __init__(self, database: Database, audit: AuditService, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    async def tell_batch(self) -> int:
        """Tell of changed balances, and move their watches in the same transaction.

        Returns:
            The number of balances.
        """
        async with self._database.transaction() as connection:
            moved = await store.moved_balances(connection, MOST_BALANCES)
            now = self._clock.now()
            for merchant_id, found in groupby(moved, key=itemgetter(0)):
                balances = [(told, account) for _, told, account in found]
                store.note_told(connection, merchant_id, [account for _, account in balances])
                changes = [_change(merchant_id, *balance) for balance in balances]
                await self._audit.write(connection, merchant_id, changes, now)
        return len(moved)


def _change(merchant_id: MerchantId, told: Account, account: Account) -> Change:
    """Return the change from the balance that was told to the balance now."""
    change = Change.by(
        Caller.engine(merchant_id, "balances"),
        AccountAction.BALANCE_CHANGED,
        "account",
        account.id,
        balance=account.balance,
        version=account.version,
    )
    return replace(change, transition=Transition(told, account))
