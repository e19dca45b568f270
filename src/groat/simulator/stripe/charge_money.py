"""The movements of charges and refunds: their amounts, their fees and their reversals."""

from __future__ import annotations

from groat.simulator.references import stripe_id
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance import SETTLING_DAYS, BalanceChange, returned
from groat.simulator.stripe.balance_model import StripeBalanceTransaction
from groat.simulator.stripe.model import StripeCharge, StripeRefund

DEBIT_DAYS = 4
"""Days until the money of a bank debit is available."""


class ChargeMoney:
    """Books the movements of charges and of their refunds."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._balance = account.balance

    def book(self, charge: StripeCharge) -> None:
        """Book a charge: the authorized amount, and the part of it that was not captured.

        For example, 50.00 of 108.21 is captured. One movement has 108.21 and the fee on it, the
        other has -58.21 and a negative fee.
        """
        intent, card = charge.intent, charge.card
        kind = "payment" if card.debit else "charge"
        days = DEBIT_DAYS if card.debit else 0 if card.instant else SETTLING_DAYS
        fees = self._balance.fees_on(intent.amount, intent.currency)
        change = BalanceChange(
            kind, "charge", intent.amount, intent.currency, charge.id, fees, days
        )
        transaction = self._balance.settle(change)
        charge.balance_transaction = transaction.id
        self._reverse_rest(charge, transaction)
        held = transaction.amount * self._balance.settings.chosen.reserve_percent // 100
        if held:
            self._balance.reserve(held, transaction.currency, days)

    def fail(self, charge: StripeCharge, kind: str, *, gives_fee_back: bool) -> None:
        """Take a bank debit back: before its success with its fee, after its success without."""
        taken = self._balance.transactions[str(charge.balance_transaction)]
        refund = self._hidden_refund(charge, charge.intent.amount)
        fees = returned(taken.fees) if gives_fee_back else ()
        change = BalanceChange(
            kind, "charge_failure", -taken.amount, taken.currency, refund.id, fees
        )
        failure = self._balance.book(change)
        refund.balance_transaction = charge.failure_balance_transaction = failure.id

    def refund(self, refund_id: str, charge: StripeCharge, amount: int) -> str:
        """Book a refund at today's rate, and return the id of its movement."""
        kind = "payment_refund" if charge.card.debit else "refund"
        change = BalanceChange(kind, "refund", -amount, charge.intent.currency, refund_id)
        return self._balance.settle(change).id

    def refund_failure(self, refund: StripeRefund) -> str:
        """Book the return of a refund, and return the id of the movement."""
        taken = self._balance.transactions[refund.balance_transaction]
        kind = "payment_refund" if refund.charge.card.debit else "refund_failure"
        change = BalanceChange(kind, "refund_failure", -taken.amount, taken.currency, refund.id)
        return self._balance.book(change).id

    def _reverse_rest(self, charge: StripeCharge, whole: StripeBalanceTransaction) -> None:
        intent, captured = charge.intent, charge.amount_captured
        if not charge.captured or captured == intent.amount:
            return
        refund = self._hidden_refund(charge, intent.amount - captured)
        kept = self._balance.fees_on(captured, intent.currency)
        amount = self._balance.settled_amount(captured, intent.currency) - whole.amount
        change = BalanceChange(
            "refund",
            "partial_capture_reversal",
            amount,
            whole.currency,
            refund.id,
            returned(whole.fees, kept),
            SETTLING_DAYS,
        )
        refund.balance_transaction = self._balance.book(change).id

    def _hidden_refund(self, charge: StripeCharge, amount: int) -> StripeRefund:
        """Return a new refund that Stripe made by itself. Lists of refunds leave it out."""
        refund = StripeRefund(
            id=stripe_id("pyr" if charge.card.debit else "re"),
            charge=charge,
            created=self._account.now(),
            amount=amount,
            reason=None,
            metadata={},
            status="succeeded",
            balance_transaction="",
        )
        self._account.hidden_refunds[refund.id] = refund
        return refund
