"""Bundles: a fact with the movements that came with it, as one ledger transaction. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from groat.accounts.domain.ledger import Transaction
from groat.audit.domain.record import Cause, Change
from groat.kernel import ids
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId
from groat.kernel.value import Value, replace
from groat.movements.domain import postings
from groat.movements.domain.attribution import Place
from groat.movements.domain.booking import (
    Attributed,
    BookedMovement,
    OpenItems,
    Reports,
    Unposted,
    still_unposted,
)
from groat.movements.domain.postings import Line
from groat.payments.domain import recipes
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import EffectKind
from groat.payments.domain.verdict import Effect


class Receipt(Value):
    """The money of one report: its effect, if it has one, and its movements.

    ``payment`` is the payment of the report, None if the movements belong to none.
    """

    account_id: ProviderAccountId
    payment: Payment | None
    effect: Effect | None
    movements: tuple[Attributed, ...]
    cause: Cause


class Bundle(Value):
    """An effect with its movements, or a movement alone: one ledger transaction."""

    account_id: ProviderAccountId
    payment: Payment | None
    effect: Effect | None
    booked: tuple[BookedMovement, ...]
    lines: tuple[Line, ...]
    cause: Cause

    @property
    def returned(self) -> int:
        """The amount that comes back to the beneficiary, and pays its debt first."""
        if self.effect is not None:
            is_return = self.effect.key.kind is EffectKind.REFUND_REVERSED
            return self.effect.money.amount if is_return else 0
        return sum(one.borne.amount for one in self.booked if one.borne and one.borne.amount > 0)

    @property
    def may_fall_short(self) -> bool:
        """Whether the beneficiary may lack the amount, and then owes us the rest."""
        if self.effect is not None:
            return recipes.may_fall_short(self.effect)
        return any(one.owing is not None for one in self.booked)

    def with_lines(self, lines: Iterable[Line]) -> Bundle:
        """Return the bundle with further lines."""
        return replace(self, lines=(*self.lines, *lines))

    def transaction(
        self, merchant_id: MerchantId, account_ids: Mapping[str, AccountId]
    ) -> Transaction | None:
        """Return the ledger transaction, None if the lines move nothing.

        It is effective when the provider booked the first of its movements.
        """
        if self.effect is None:
            return self._of_movement(merchant_id, account_ids)
        return Transaction.of(
            merchant_id,
            kind=recipes.KINDS[self.effect.key.kind],
            reference=recipes.ledger_reference(self.effect.key),
            entries=postings.entries_of(self.lines, account_ids),
            effective_at=min((one.movement.occurred_at for one in self.booked), default=None),
            subject=recipes.subject(self.effect),
        )

    def _of_movement(
        self, merchant_id: MerchantId, account_ids: Mapping[str, AccountId]
    ) -> Transaction | None:
        if not self.lines:
            return None
        (booked,) = self.booked
        payment = self.payment
        subject = None if payment is None else ids.render("payment", payment.id)
        return postings.transaction(
            merchant_id, self.account_id, booked.movement, self.lines, account_ids, subject
        )

    @property
    def changes(self) -> list[Change]:
        """The audit records of the movements of disputes."""
        return [_dispute_change(self, one) for one in self.booked if one.borne and one.borne.amount]


def reports_of(receipts: Sequence[Receipt]) -> Reports:
    """Return the facts and movements of receipts, for the locks on their open items."""
    told = [recipes.told_fact(one.effect) for one in receipts if one.effect is not None]
    return Reports(tuple(told), tuple(movement for one in receipts for movement in one.movements))


def bundled(receipts: Sequence[Receipt], book: OpenItems, unposted: Unposted) -> list[Bundle]:
    """Book receipts in order, and return their postings; skip movements that were posted before.

    The movements of an effect join its transaction, in which clearing cancels out. A movement that
    a beneficiary bears stands alone: the beneficiary may lack a part of it.
    """
    bundles, booked_before = list[Bundle](), set[str]()
    for receipt in receipts:
        account_id, payment, effect, movements, cause = (
            receipt.account_id,
            receipt.payment,
            receipt.effect,
            receipt.movements,
            receipt.cause,
        )
        fresh = [
            one
            for one in still_unposted(movements, unposted)
            if one.movement.key not in booked_before
        ]
        booked_before.update(one.movement.key for one in fresh)
        joined = [one for one in fresh if effect is not None and not _is_borne(one)]
        if effect is not None:
            lines = [recipes.beneficiary_line(effect), *book.tell(recipes.told_fact(effect))]
            booked = tuple(map(book.book, joined))
            lines += [line for one in booked for line in one.lines]
            summed = postings.summed(lines)
            bundles.append(Bundle(account_id, payment, effect, booked, summed, cause))
        for one in fresh:
            if effect is None or _is_borne(one):
                alone = book.book(one)
                bundles.append(Bundle(account_id, payment, None, (alone,), alone.lines, cause))
    return bundles


def _is_borne(attributed: Attributed) -> bool:
    return attributed.attribution.place is Place.BENEFICIARY


def _dispute_change(bundle: Bundle, booked: BookedMovement) -> Change:
    """Return the audit record of a dispute's movement."""
    borne, bearer = booked.borne, booked.bearer
    assert borne is not None  # noqa: S101 - the caller has looked
    assert bearer is not None  # noqa: S101 - whoever bears is known with the amount
    withdrawn = borne.amount < 0
    return Change(
        PaymentAction.DISPUTE_WITHDRAWN if withdrawn else PaymentAction.DISPUTE_REINSTATED,
        "payment",
        bearer.payment_id,
        ids.render("provider_account", bundle.account_id),
        bundle.cause,
        {
            "amount": abs(borne.amount),
            "currency": borne.currency,
            "effect": booked.movement.key,
            "dispute": booked.attribution.reference,
        },
    )
