"""Stripe's test payment methods and their results. Source: Stripe, "Testing"."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from groat.simulator.calls import split_token
from groat.simulator.stripe.errors import invalid_request, no_such

_DECLINED = "Your card was declined."


@dataclass(frozen=True, slots=True)
class Decline:
    """The reason of an issuer's decline, in Stripe's words."""

    code: str
    message: str
    decline_code: str | None = None
    """A more exact code, if ``code`` is only ``card_declined``."""


@dataclass(frozen=True, slots=True)
class StripeCard:
    """A test card or a bank account. Of its number, only ``last4`` is known."""

    brand: str
    last4: str
    decline: Decline | None = None
    authenticates: bool = False
    """Whether the customer must pass 3-D Secure first."""
    disputed: Literal["never", "dispute", "inquiry"] = "never"
    """Whether a charge is disputed, or inquired about, as soon as it is captured."""
    debit: bool = False
    """Whether it is a bank account, whose debits take days. Its ``brand`` is the kind of debit."""
    instant: bool = False
    """Whether the money of a charge is available at once."""
    refunds: Literal["succeed", "fail_later", "succeed_later"] = "succeed"


_NO_FUNDS = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
CARDS = MappingProxyType(
    {
        "visa": StripeCard("visa", "4242"),
        "mastercard": StripeCard("mastercard", "4444"),
        "chargeDeclined": StripeCard(
            "visa", "0002", Decline("card_declined", _DECLINED, "generic_decline")
        ),
        "chargeDeclinedInsufficientFunds": StripeCard("visa", "9995", _NO_FUNDS),
        "chargeDeclinedLostCard": StripeCard(
            "visa", "9987", Decline("card_declined", _DECLINED, "lost_card")
        ),
        "chargeDeclinedStolenCard": StripeCard(
            "visa", "9979", Decline("card_declined", _DECLINED, "stolen_card")
        ),
        "chargeDeclinedExpiredCard": StripeCard(
            "visa", "0069", Decline("expired_card", "Your card has expired.")
        ),
        "chargeDeclinedProcessingError": StripeCard(
            "visa",
            "0119",
            Decline(
                "processing_error",
                "An error occurred while processing your card. Try again in a little bit.",
            ),
        ),
        "authenticationRequired": StripeCard("visa", "3184", authenticates=True),
        "authenticationRequiredChargeDeclinedInsufficientFunds": StripeCard(
            "visa", "3178", _NO_FUNDS, authenticates=True
        ),
        "bypassPending": StripeCard("visa", "0077", instant=True),
        "createDispute": StripeCard("visa", "0259", disputed="dispute"),
        "createDisputeInquiry": StripeCard("visa", "1976", disputed="inquiry"),
        "pendingRefund": StripeCard("visa", "7726", refunds="succeed_later"),
        "refundFail": StripeCard("visa", "5126", refunds="fail_later"),
    }
)
"""The test cards by the name that follows ``pm_card_``."""
_BANK_ACCOUNT = "pm_usBankAccount_success"
_CARDS_BY_NUMBER = MappingProxyType({card.last4: card for card in CARDS.values()})
DEBIT_FAILED = Decline("insufficient_funds", "The bank account has insufficient funds.")


def find_card(payment_method: str) -> StripeCard:
    """Return the card, or the bank account, of a test payment method such as ``pm_card_visa``.

    The declines are documented as ``pm_card_visa_chargeDeclined...`` and work without ``visa_``. A
    method that names a fault, such as ``pm_card_visa_fault_cut_after``, is the same card without
    it.

    Raises:
        StripeError: There is no such payment method.
    """
    token, _ = split_token(payment_method)
    if token == _BANK_ACCOUNT:
        return bank_account("us_bank_account", "6789")
    name = token.removeprefix("pm_card_")
    card = CARDS.get(name.removeprefix("visa_"))
    if card is None or name == token:
        raise no_such("PaymentMethod", payment_method, param="payment_method", status=400)
    return card


def card_with_number(number: str) -> StripeCard:
    """Return the test card with a number, by its last four digits.

    Raises:
        StripeError: There is no such test card.
    """
    card = _CARDS_BY_NUMBER.get(number[-4:])
    if card is None:
        raise invalid_request("Your card number is incorrect.", param="card[number]")
    return card


def bank_account(kind: str, number: str) -> StripeCard:
    """Return the bank account with a number. ``kind`` is such as ``sepa_debit``."""
    return StripeCard(kind, number[-4:], debit=True)
