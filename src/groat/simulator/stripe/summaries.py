"""Summaries of payment intents for the simulator's page."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

from groat.simulator.overview import AccountSummary, Part, Source
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.model import Intent, StripeCharge
from groat.simulator.stripe.payment_objects import PAGE_PATH


def source(account: StripeAccount) -> Source:
    """Return the payment intents of ``account`` as the source of the page."""

    def latest(limit: int) -> list[AccountSummary]:
        newest_first = reversed(account.intents.values())
        return [_summary(account, intent) for intent in islice(newest_first, limit)]

    return Source(
        "Stripe",
        "payment intent",
        frozenset({"missing_rows"}),
        lambda: len(account.intents),
        latest,
    )


def _summary(account: StripeAccount, intent: Intent) -> AccountSummary:
    charges = [charge for charge in account.charges.values() if charge.intent is intent]
    return AccountSummary(
        intent.id,
        datetime.fromtimestamp(intent.created, UTC),
        intent.money(intent.amount),
        intent.status,
        intent.reference,
        [part for charge in charges for part in _parts(account, charge)],
        f"{PAGE_PATH}/{intent.id}" if intent.awaits_customer else None,
    )


def _parts(account: StripeAccount, charge: StripeCharge) -> list[Part]:
    money, dispute = charge.intent.money, charge.dispute
    parts: list[Part] = []
    if charge.capture_before is not None:
        status = _authorization_status(charge)
        parts.append(Part("authorization", charge.id, money(charge.intent.amount), status))
    if charge.captured:
        parts.append(Part("charge", charge.id, money(charge.amount_captured), "succeeded"))
    if charge.capture_before is None and not charge.captured:
        parts.append(Part("charge", charge.id, money(charge.intent.amount), "declined"))
    refunds = [refund for refund in account.refunds.values() if refund.charge is charge]
    parts += [
        Part("refund", refund.id, money(refund.amount), refund.status, refund.reference)
        for refund in refunds
    ]
    if dispute is not None:
        parts.append(Part("dispute", dispute.id, money(dispute.amount), dispute.status))
    return parts


def _authorization_status(charge: StripeCharge) -> str:
    if not charge.paid:
        return "declined"
    if charge.captured:
        return "captured"
    return "canceled" if charge.intent.status == "canceled" else "authorized"
