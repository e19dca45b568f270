"""A payment's life in memory: the real decisions and the real ledger, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.decisions import Book, FactPostings, record
from groat.accounts.domain.ledger import Balance, Hold
from groat.kernel.ids import AccountId, MerchantId
from groat.kernel.value import replace
from groat.payments.domain import recipes
from groat.payments.domain.facts import decide
from groat.payments.domain.lifecycle import Outcome
from groat.payments.domain.operation import Operation
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund
from groat.payments.domain.standing import (
    Arrival,
    Standing,
)
from groat.payments.domain.verdict import (
    Effect,
    Verdict,
)
from tests.unit.payments.examples import BENEFICIARY, LATER, NOW

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

    def __post_init__(self) -> None:
        held = sum(refund.amount for refund in self.refunds)
        wallet = _balance(BENEFICIARY, 1, posted=self.funds, held=held, floor=0)
        holds = {refund.hold_id: _hold(refund) for refund in self.refunds}
        self.book = Book({BENEFICIARY: wallet}, holds)
        self.own: dict[str, AccountId] = {}
        self.standing = Standing(
            {self.payment.id: self.payment},
            {self.payment.id: list(self.operations)},
            {refund.id: refund for refund in self.refunds},
        )

    def take(self, *arrivals: Arrival) -> list[Outcome]:
        """Apply facts in one transaction, and return what became of them."""
        verdicts = list(decide(self.standing, arrivals, LATER))
        self._write(verdicts)
        self._post([one.effect for one in verdicts if one.effect is not None], verdicts)
        outcomes = [verdict.outcome for verdict in verdicts]
        self.outcomes += outcomes
        self.payment = self.standing.payments[self.payment.id]
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
            sorted(
                (one.status, one.withdrawn, one.reinstated)
                for one in self.standing.disputes.values()
            ),
            self.balances(),
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

    def open_operations(self) -> list[Operation]:
        return list(self.standing.operations[self.payment.id])

    def _too_early(self, arrivals: Iterable[Arrival]) -> list[Arrival]:
        return [one for one in arrivals if self.take(one)[0] in EARLY]

    def _write(self, verdicts: Sequence[Verdict]) -> None:
        payments = dict(self.standing.payments)
        refunds = dict(self.standing.refunds)
        disputes = dict(self.standing.disputes)
        effects = dict(self.standing.effects)
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

    def _post(self, effects: Sequence[Effect], verdicts: Sequence[Verdict]) -> None:
        self._open(spec for effect in effects for spec in recipes.own_accounts(effect))
        postings = [(one, recipes.posting(MERCHANT, one, self.own)) for one in effects]
        owed = {posted.id: recipes.owed(one, self.own) for one, posted in postings}
        facts = FactPostings(
            [posted for _, posted in postings],
            taken={posted.id: one.hold_id for one, posted in postings if one.hold_id},
            released=[one.released for one in verdicts if one.released is not None],
            owed={key: account for key, account in owed.items() if account is not None},
        )
        posted, after = record(self.book, facts, LATER)
        self.book = Book(
            {**self.book.balances, **after.balances}, {**self.book.holds, **after.holds}
        )
        entries = {one.transaction.id: one.transaction.entries for one in posted}
        for effect, transaction in postings:
            owed_id = facts.owed.get(transaction.id)
            if owed_id is not None and effect.dispute_id is not None:
                self._note_shortfall(effect, owed_id, entries[transaction.id])

    def _note_shortfall(
        self, effect: Effect, owed_id: AccountId, entries: Sequence[tuple[AccountId, int, str]]
    ) -> None:
        assert effect.dispute_id is not None
        shortfall = -sum(amount for account_id, amount, _ in entries if account_id == owed_id)
        disputes = dict(self.standing.disputes)
        disputes[effect.dispute_id] = replace(disputes[effect.dispute_id], shortfall=shortfall)
        self.standing = replace(self.standing, disputes=disputes)

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
