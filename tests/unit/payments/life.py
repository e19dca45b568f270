"""A payment's life in memory: the real decisions and the real ledger, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.decisions import Book, record
from groat.accounts.domain.ledger import Balance, Hold
from groat.kernel.ids import AccountId, MerchantId
from groat.kernel.value import replace
from groat.movements.domain.booking import OpenItems
from groat.movements.domain.open_items import OpenItem
from groat.payments.domain.bundles import Receipt, bundled
from groat.payments.domain.debts import Debts, accounts_of, fact_postings, rounds
from groat.payments.domain.facts import decide
from groat.payments.domain.lifecycle import Outcome
from groat.payments.domain.operation import Operation
from groat.payments.domain.ownership import attributed_movements
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund
from groat.payments.domain.standing import (
    Arrival,
    Standing,
)
from groat.payments.domain.verdict import (
    Effect,
    OperationEnd,
    Verdict,
)
from tests.unit.payments.examples import BENEFICIARY, LATER, NOW, PROVIDER_ACCOUNT

MERCHANT = MerchantId(7)
EARLY = {Outcome.PREMATURE, Outcome.UNKNOWN_PAYMENT}
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Life:
    """A payment, what belongs to it, and the books; ``funds`` is what the beneficiary had before.

    Each call of ``take`` is a transaction of its own.
    """

    payment: Payment
    operations: Sequence[Operation] = ()
    refunds: Sequence[Refund] = ()
    funds: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    ends: list[OperationEnd] = field(default_factory=list)

    def __post_init__(self) -> None:
        held = sum(refund.amount for refund in self.refunds)
        wallet = _balance(BENEFICIARY, 1, posted=self.funds, held=held, floor=0)
        holds = {hold.id: hold for hold in map(_hold, self.refunds)}
        self.book = Book({BENEFICIARY: wallet}, holds)
        self.own: dict[str, AccountId] = {}
        self.items: dict[str, OpenItem] = {}
        self.booked: set[str] = set()
        self.standing = Standing(
            {self.payment.id: self.payment},
            {self.payment.id: list(self.operations)},
            {refund.id: refund for refund in self.refunds},
        )

    def take(self, *arrivals: Arrival) -> list[Outcome]:
        """Apply facts in one transaction, and return what became of them."""
        verdicts = list(decide(self.standing, arrivals, LATER))
        self._write(verdicts)
        self.payment = self.standing.payments[self.payment.id]
        self._post(arrivals, verdicts)
        outcomes = [verdict.outcome for verdict in verdicts]
        self.outcomes += outcomes
        return outcomes

    def take_each(self, arrivals: Iterable[Arrival]) -> None:
        """Apply facts one by one; what came too early is tried again at the end, as it would be."""
        early, tried = self._too_early(arrivals), None
        while early and len(early) != tried:
            tried = len(early)
            early = self._too_early(early)

    def ending(self) -> object:
        """Return how everything stands that must not depend on the order of facts."""
        return (
            replace(
                self.payment,
                updated_at=NOW,
                provider_reference=None,
                authorization_reference=None,
            ),
            sorted((one.status, one.failure_code) for one in self.standing.refunds.values()),
            sorted(one.status for one in self.standing.disputes.values()),
            self.balances(),
            self.open_items(),
            sorted(effect.key for effect in self.effects),
        )

    def balances(self) -> dict[str, int]:
        """Return what is posted on each account by the first word of its code."""
        named = {"wallet": BENEFICIARY} | {
            code.partition(":")[0]: account_id for code, account_id in self.own.items()
        }
        return {
            name: self.book.balances[account_id].posted
            for name, account_id in sorted(named.items())
            if self.book.balances[account_id].posted
        }

    def open_items(self) -> dict[str, int]:
        """Return the amounts that clearing holds, by object."""
        found = {reference: item.open_amount for reference, item in self.items.items()}
        return {reference: amount for reference, amount in found.items() if amount}

    def open_operations(self) -> list[Operation]:
        return list(self.standing.operations[self.payment.id])

    def _too_early(self, arrivals: Iterable[Arrival]) -> list[Arrival]:
        return [one for one in arrivals if self.take(one)[0] in EARLY]

    def _write(self, verdicts: Sequence[Verdict]) -> None:
        payments = dict(self.standing.payments)
        refunds = dict(self.standing.refunds)
        disputes = dict(self.standing.disputes)
        effects = dict(self.standing.effects)
        self.ends += [settled for one in verdicts for settled in one.settled]
        ended = {settled.operation_id for one in verdicts for settled in one.settled}
        for verdict in verdicts:
            if verdict.payment is not None:
                payments[verdict.payment.id] = verdict.payment
            if verdict.refund is not None:
                refunds[verdict.refund.id] = verdict.refund
            if verdict.dispute is not None:
                disputes[verdict.dispute.id] = verdict.dispute
            if verdict.effect is not None:
                self.effects.append(verdict.effect)
                effects[verdict.effect.key] = verdict.effect.payment.id
        begun = [one.begun for one in verdicts if one.begun is not None]
        still = [one for one in [*self.open_operations(), *begun] if one.id not in ended]
        operations = {self.payment.id: still}
        self.standing = Standing(payments, operations, refunds, disputes, effects)

    def _post(self, arrivals: Sequence[Arrival], verdicts: Sequence[Verdict]) -> None:
        """Post effects and movements, as the service does: takings first, then returns."""
        receipts = [
            Receipt(
                arrival.provider_account_id,
                self.payment,
                verdict.effect,
                tuple(attributed_movements(arrival, verdict, self.standing.payments)),
                arrival.cause,
            )
            for arrival, verdict in zip(arrivals, verdicts, strict=True)
        ]
        unposted = {
            one.movement.key: one.movement
            for receipt in receipts
            for one in receipt.movements
            if one.movement.key not in self.booked
        }
        items = OpenItems(PROVIDER_ACCOUNT, self.items.values(), NOW)
        bundles = bundled(receipts, items, unposted)
        self.items.update({item.reference: item for item in items.changed})
        self.booked |= {one.movement.key for bundle in bundles for one in bundle.booked}
        self._open(spec for bundle in bundles for spec in accounts_of(bundle))
        debts = Debts({self.payment.id: self.payment.owed})
        released = [one.released for one in verdicts if one.released is not None]
        for part in rounds(bundles):
            repaid = [debts.repay(one) for one in part]
            posted = [(one, one.transaction(MERCHANT, self.own)) for one in repaid]
            facts = fact_postings(posted, released, self.own)
            released = []
            made, after = record(self.book, facts, LATER)
            self.book = Book(
                {**self.book.balances, **after.balances}, {**self.book.holds, **after.holds}
            )
            debts.note(posted, [one.transaction for one in made], facts)
        owed = debts.changed.get(self.payment.id, self.payment.owed)
        payment = replace(self.payment, owed=owed)
        self.payment = payment
        self.standing = replace(self.standing, payments={payment.id: payment})

    def _open(self, specs: Iterable[AccountSpec]) -> None:
        for spec in specs:
            if spec.code not in self.own:
                number = len(self.own) + 2
                account_id = AccountId(UUID(int=1000 + number))
                self.own[spec.code] = account_id
                opened = _balance(account_id, number, posted=0, held=0, floor=None)
                self.book = Book({**self.book.balances, account_id: opened}, self.book.holds)


def _balance(
    account_id: AccountId, number: int, *, posted: int, held: int, floor: int | None
) -> Balance:
    return Balance(account_id, number, "EUR", "open", posted, held, floor, 0, _LONG_AGO)


def _hold(refund: Refund) -> Hold:
    assert refund.hold_id is not None
    return Hold(
        refund.hold_id,
        BENEFICIARY,
        refund.currency,
        0,
        "groat:refund:1",
        refund.amount,
        remaining=refund.amount,
        captured=0,
        state="open",
        expires_at=None,
        created_at=NOW,
    )
