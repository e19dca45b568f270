"""Debts of beneficiaries: amounts that were taken back and that they lacked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from groat.accounts.domain import chart
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.decisions import FactPostings
from groat.accounts.domain.ledger import Transaction
from groat.kernel.ids import AccountId, HoldId, PaymentId
from groat.movements.domain.postings import own_accounts, repayment_lines
from groat.payments.domain.bundles import Bundle


def rounds(bundles: Iterable[Bundle]) -> tuple[list[Bundle], list[Bundle]]:
    """Return the bundles to post first, and those to post afterwards, because they return money.

    Only when everything that takes money is posted, it is known how much a return has to repay.
    """
    found = [*bundles]
    return [one for one in found if not one.returned], [one for one in found if one.returned]


class Debts:
    """The debts of beneficiaries while a batch is posted, by payment."""

    def __init__(self, owed: Mapping[PaymentId, int]) -> None:
        self._before = owed
        self._owed = dict(owed)

    @property
    def changed(self) -> dict[PaymentId, int]:
        """The debts that differ from those before the batch."""
        return {key: owed for key, owed in self._owed.items() if owed != self._before.get(key, 0)}

    def repay(self, bundle: Bundle) -> Bundle:
        """Return the bundle with the lines by which it repays its payment's debt."""
        if not bundle.returned or bundle.payment is None:
            return bundle
        owed = self._owed.get(bundle.payment.id, 0)
        repaid = min(owed, bundle.returned)
        if not repaid:
            return bundle
        self._owed[bundle.payment.id] = owed - repaid
        terms = bundle.payment.order.terms
        return bundle.with_lines(
            repayment_lines(terms.beneficiary_id, repaid, terms.amount.currency)
        )

    def note(
        self,
        posted: Iterable[tuple[Bundle, Transaction | None]],
        booked: Iterable[Transaction],
        facts: FactPostings,
    ) -> None:
        """Add the parts that beneficiaries lacked. The ledger's final entries show them."""
        entries = {one.id: one.entries for one in booked}
        for bundle, transaction in posted:
            owing = None if transaction is None else facts.owed.get(transaction.id)
            if owing is None or transaction is None or bundle.payment is None:
                continue
            lacked = -sum(one.amount for one in entries[transaction.id] if one.account_id == owing)
            payment_id = bundle.payment.id
            self._owed[payment_id] = self._owed.get(payment_id, 0) + lacked


def accounts_of(bundle: Bundle) -> list[AccountSpec]:
    """Return the engine's accounts that a bundle may touch."""
    specs = own_accounts(bundle.lines)
    if bundle.payment is not None and (bundle.returned or bundle.may_fall_short):
        specs.append(chart.receivable(bundle.payment.order.terms.amount.currency))
    return specs


def fact_postings(
    posted: Sequence[tuple[Bundle, Transaction | None]],
    released: Sequence[HoldId],
    account_ids: Mapping[str, AccountId],
) -> FactPostings:
    """Return the postings of bundles, with the holds that they spend, and those to release."""
    made = [(one, transaction) for one, transaction in posted if transaction is not None]
    return FactPostings(
        [transaction for _, transaction in made],
        taken={
            transaction.id: one.effect.hold_id
            for one, transaction in made
            if one.effect is not None and one.effect.hold_id is not None
        },
        released=released,
        owed={
            transaction.id: account_ids[
                chart.receivable(one.payment.order.terms.amount.currency).code
            ]
            for one, transaction in made
            if one.payment is not None and one.may_fall_short
        },
    )
