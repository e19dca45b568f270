"""Refunds of charges. Source: Stripe, "Refund and cancel payments"."""

from __future__ import annotations

from collections.abc import Mapping

from groat.simulator.books import BookEntry, Status
from groat.simulator.references import stripe_id
from groat.simulator.stripe.account import StripeAccount, enter
from groat.simulator.stripe.charge_money import ChargeMoney
from groat.simulator.stripe.errors import invalid_request, no_such, refusal
from groat.simulator.stripe.metadata import changed_metadata
from groat.simulator.stripe.model import (
    NOBODY,
    EventCause,
    StripeCharge,
    StripeRefund,
)
from groat.simulator.stripe.requests import CreateRefundRequest

_UPDATES = ("refund.updated", "charge.refund.updated")


class StripeRefunds:
    """Makes refunds, which may fail later, and sends their events."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._money = ChargeMoney(account)

    def create(self, request: CreateRefundRequest, cause: EventCause) -> StripeRefund:
        """Refund the unrefunded amount of a charge, or a part of it.

        Raises:
            StripeError: There is no such charge, or the amount exceeds its unrefunded amount.
        """
        charge = self._charge_of(request)
        _check(charge, request.amount)
        refund = self._new_refund(charge, request)
        self._tell(("refund.created",), refund, cause)
        self._account.tell_of_charge("refunded", charge, cause)
        match charge.card.refunds:
            case "succeed":
                pass
            case "fail_later":
                self._account.later(lambda: self.fail(refund))
            case "succeed_later":
                self._account.later(lambda: self.succeed(refund))
        return refund

    def describe(
        self, refund: StripeRefund, metadata: Mapping[str, str], cause: EventCause
    ) -> None:
        """BalanceChange values of a refund's metadata."""
        refund.metadata = changed_metadata(refund.metadata, metadata)
        self._tell(_UPDATES, refund, cause)

    def succeed(self, refund: StripeRefund) -> bool:
        """Let a pending refund succeed. Return False if it is not pending."""
        if refund.status != "pending":
            return False
        refund.status = "succeeded"
        self._enter(refund, "succeeded")
        self._tell(_UPDATES, refund, NOBODY)
        return True

    def fail(self, refund: StripeRefund) -> bool:
        """Let the bank return a refund, even a successful one. Return False if it failed before."""
        if refund.status == "failed":
            return False
        charge = refund.charge
        refund.status = "failed"
        charge.amount_refunded -= refund.amount
        refund.failure_balance_transaction = self._money.refund_failure(refund)
        self._enter(refund, "declined")
        self._tell((*_UPDATES, "refund.failed"), refund, NOBODY)
        return True

    def latest(self, charge: StripeCharge) -> StripeRefund | None:
        """Return the latest refund of a charge, or None."""
        made = [refund for refund in self._account.refunds.values() if refund.charge is charge]
        return made[-1] if made else None

    def _charge_of(self, request: CreateRefundRequest) -> StripeCharge:
        if request.charge is not None:
            charge = self._account.charges.get(request.charge)
            if charge is None:
                raise no_such("charge", request.charge, param="charge")
            return charge
        if request.payment_intent is None:
            raise invalid_request("One of charge and payment_intent must be provided.")
        intent = self._account.intents.get(request.payment_intent)
        if intent is None:
            raise no_such("payment_intent", request.payment_intent, param="payment_intent")
        if intent.charge is None:
            raise _nothing_taken(intent.id)
        return intent.charge

    def _new_refund(self, charge: StripeCharge, request: CreateRefundRequest) -> StripeRefund:
        refund_id, amount = stripe_id("re"), request.amount or charge.unrefunded
        charge.amount_refunded += amount
        refund = StripeRefund(
            id=refund_id,
            charge=charge,
            created=self._account.now(),
            amount=amount,
            reason=request.reason,
            metadata=request.metadata,
            status="pending" if charge.card.refunds == "succeed_later" else "succeeded",
            balance_transaction=self._money.refund(refund_id, charge, amount),
            pending_reason=self._account.balance.settings.chosen.pending_reason,
        )
        self._account.refunds[refund_id] = refund
        if refund.status == "succeeded":
            self._enter(refund, "succeeded")
        return refund

    def _enter(self, refund: StripeRefund, status: Status) -> None:
        charge = refund.charge
        money = charge.intent.money(refund.amount)
        entry = BookEntry(refund.id, money, refund.reference, status, charge.id)
        enter(self._account.books.refunds, entry)

    def _tell(self, types: tuple[str, ...], refund: StripeRefund, cause: EventCause) -> None:
        """Send events of a refund. Endpoints with an old API version do not get them."""
        if self._account.balance.settings.chosen.charge_refunded_only:
            return
        for event_type in types:
            self._account.tell_of_refund(event_type, refund, cause)


def _check(charge: StripeCharge, amount: int | None) -> None:
    if not charge.captured:
        raise _nothing_taken(charge.intent.id)
    if charge.dispute is not None and charge.dispute.status != "won":
        message = f"Charge {charge.id} has been charged back; cannot issue a refund."
        raise refusal(message, code="charge_disputed")
    if charge.unrefunded == 0:
        message = f"Charge {charge.id} has already been refunded."
        raise refusal(message, code="charge_already_refunded")
    if amount is not None and amount > charge.unrefunded:
        given, left = (charge.intent.money(number) for number in (amount, charge.unrefunded))
        message = f"Refund amount ({given}) is greater than unrefunded amount on charge ({left})"
        raise refusal(message, param="amount")


def _nothing_taken(intent_id: str) -> Exception:
    message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
    return refusal(message)
