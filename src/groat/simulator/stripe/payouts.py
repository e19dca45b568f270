"""Payouts to the merchant's bank, and top-ups from it.

Source: Stripe, "Payouts", "Payout reconciliation" and "Minimum balances for automatic payouts".
"""

from __future__ import annotations

from groat.simulator.back_office import ImpossibleError
from groat.simulator.references import stripe_id
from groat.simulator.stripe import balance_objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance import BalanceChange
from groat.simulator.stripe.balance_model import (
    PayoutStatus,
    StripeBalanceTransaction,
    StripePayout,
    StripeTopup,
)
from groat.simulator.stripe.balance_requests import PayoutRequest, TopupRequest
from groat.simulator.stripe.errors import invalid_request, no_such, refusal
from groat.simulator.stripe.metadata import changed_metadata
from groat.simulator.stripe.model import NOBODY, EventCause
from groat.simulator.stripe.units import payout_step

_ARRIVAL_SECONDS = 2 * 24 * 3600
_NO_FUNDS = (
    "You have insufficient funds in your Stripe account for this transfer. Your available balance"
    " does not cover the amount."
)
_FAILURES: dict[PayoutStatus, str] = {"failed": "payout_failure", "canceled": "payout_cancel"}
"""Types of the movements that bring the money of a payout back."""


class StripePayouts:
    """Makes payouts, lets them arrive or fail, and sends their events."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._balance = account.balance

    def create(self, request: PayoutRequest, cause: EventCause) -> StripePayout:
        """Make a manual or an instant payout. Stripe does not tell the movements in it.

        Raises:
            StripeError: The available balance is too low.
        """
        if request.amount > self._balance.available().get(request.currency, 0):
            raise refusal(_NO_FUNDS, code="balance_insufficient")
        return self._make(
            request.amount,
            request.currency,
            automatic=False,
            method=request.method,
            description=request.description,
            metadata=request.metadata,
            cause=cause,
        )

    def pay_out(self, currency: str) -> StripePayout:
        """Pay the available balance out, as Stripe does once a day.

        A negative balance makes a negative payout, which the merchant's bank account is debited
        for. With a minimum balance, a hold stands before the payout and a release after it.

        Raises:
            ImpossibleError: The balance is zero, or not more than the minimum.
        """
        total = self._balance.available().get(currency, 0)
        minimum = self._balance.settings.chosen.minimum_balances.get(currency, 0)
        held = min(minimum, total) if total > 0 else 0
        step = payout_step(currency.upper())
        amount = total - held
        amount -= amount % step
        if amount == 0:
            raise ImpossibleError(f"The balance of {currency} has nothing to pay out.")
        if held:
            self._hold(-held, currency)
        members = self._balance.unpaid(currency)
        payout = self._make(
            amount,
            currency,
            automatic=True,
            method="standard",
            description="STRIPE PAYOUT",
            metadata={},
            cause=NOBODY,
        )
        for member in members:
            self._balance.payouts_of[member.id] = payout.id
        self._balance.payouts_of[payout.balance_transaction] = payout.id
        if held:
            self._hold(held, currency)
        return payout

    def shows(self, payout_id: str, transaction: StripeBalanceTransaction) -> bool:
        """Tell whether the list of an automatic payout shows a transaction.

        Until the list is complete, it shows only the payout's own transaction.

        Raises:
            StripeError: There is no such payout, or it is not automatic.
        """
        payout = self._account.payouts.get(payout_id)
        if payout is None:
            raise no_such("payout", payout_id, param="payout", status=400)
        if not payout.automatic:
            message = "Balance transaction history can only be filtered on automatic transfers."
            raise invalid_request(f"{message} Not manual ones.", param="payout")
        own = transaction.id == payout.balance_transaction
        return own or (
            payout.complete and self._balance.payouts_of.get(transaction.id) == payout_id
        )

    def complete(self, payout: StripePayout) -> None:
        """Declare the list of an automatic payout's transactions final.

        Raises:
            ImpossibleError: It is final already, or the payout is not automatic.
        """
        if payout.complete or not payout.automatic:
            raise ImpossibleError(f"The list of {payout.id} cannot be completed.")
        payout.complete = True
        self._tell("reconciliation_completed", payout, NOBODY)

    def arrive(self, payout: StripePayout) -> None:
        """Let a payout arrive at the bank.

        Raises:
            ImpossibleError: The payout has arrived or failed already.
        """
        if payout.status not in {"pending", "in_transit"}:
            raise ImpossibleError(f"{payout.id} is {payout.status}.")
        payout.status = "paid"
        self._tell("paid", payout, NOBODY)
        self._tell("updated", payout, NOBODY)

    def fail(self, payout: StripePayout) -> None:
        """Let the bank return a payout, also one that was paid.

        Raises:
            ImpossibleError: The payout has failed already.
        """
        if payout.status in _FAILURES:
            raise ImpossibleError(f"{payout.id} is {payout.status}.")
        self._return(payout, "failed", NOBODY)

    def cancel(self, payout: StripePayout, cause: EventCause) -> None:
        """Cancel a payout that is not under way yet.

        Raises:
            StripeError: The payout is under way or ended.
        """
        if payout.status != "pending":
            raise refusal("Payouts can only be canceled if they are in the pending state.")
        self._return(payout, "canceled", cause)

    def describe(self, payout: StripePayout, metadata: dict[str, str], cause: EventCause) -> None:
        """Replace values of a payout's metadata."""
        payout.metadata = changed_metadata(payout.metadata, metadata)
        self._tell("updated", payout, cause)

    def top_up(self, request: TopupRequest, cause: EventCause) -> StripeTopup:
        """Start a top-up, which succeeds later."""
        topup = StripeTopup(
            stripe_id("tu"),
            self._account.now(),
            request.amount,
            request.currency,
            request.description,
            request.metadata,
        )
        self._account.topups[topup.id] = topup
        self._account.tell("topup.created", balance_objects.topup(topup), cause)
        self._account.later(lambda: self._settle_if_pending(topup))
        return topup

    def settle_topup(self, topup: StripeTopup) -> None:
        """Let a top-up reach the balance.

        Raises:
            ImpossibleError: It has succeeded or been reversed already.
        """
        if topup.status != "pending":
            raise ImpossibleError(f"{topup.id} is {topup.status}.")
        topup.status = "succeeded"
        change = BalanceChange("topup", "topup", topup.amount, topup.currency, topup.id)
        topup.balance_transaction = self._balance.book(change).id
        self._account.tell("topup.succeeded", balance_objects.topup(topup), NOBODY)

    def _settle_if_pending(self, topup: StripeTopup) -> None:
        if topup.status == "pending":
            self.settle_topup(topup)

    def reverse_topup(self, topup: StripeTopup) -> None:
        """Let the bank take a top-up back.

        Raises:
            ImpossibleError: It has not succeeded.
        """
        if topup.status != "succeeded":
            raise ImpossibleError(f"{topup.id} is {topup.status}.")
        topup.status = "reversed"
        change = BalanceChange(
            "topup_reversal", "topup_reversal", -topup.amount, topup.currency, topup.id
        )
        self._balance.book(change)
        self._account.tell("topup.reversed", balance_objects.topup(topup), NOBODY)

    def _make(
        self,
        amount: int,
        currency: str,
        *,
        automatic: bool,
        method: str,
        description: str | None,
        metadata: dict[str, str],
        cause: EventCause,
    ) -> StripePayout:
        """Make a payout. The balance falls at once, days before the money arrives."""
        payout_id, now = stripe_id("po"), self._account.now()
        change = BalanceChange("payout", "payout", -amount, currency, payout_id)
        payout = StripePayout(
            payout_id,
            now,
            now + _ARRIVAL_SECONDS,
            amount,
            currency,
            automatic,
            method,
            description,
            metadata,
            self._balance.book(change).id,
        )
        self._account.payouts[payout_id] = payout
        self._tell("created", payout, cause)
        return payout

    def _return(self, payout: StripePayout, status: PayoutStatus, cause: EventCause) -> None:
        kind = _FAILURES[status]
        change = BalanceChange(kind, "payout_reversal", payout.amount, payout.currency, payout.id)
        payout.failure_balance_transaction = self._balance.book(change).id
        payout.status = status
        self._tell(status, payout, cause)

    def _hold(self, amount: int, currency: str) -> None:
        kind = "payout_minimum_balance_" + ("hold" if amount < 0 else "release")
        self._balance.book(BalanceChange(kind, kind, amount, currency, None))

    def _tell(self, happened: str, payout: StripePayout, cause: EventCause) -> None:
        self._account.tell(f"payout.{happened}", balance_objects.payout(payout), cause)
