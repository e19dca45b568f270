"""Translate Stripe's balance transactions to movements. Pure.

Source: docs.stripe.com/api/balance_transactions, and /reports/reporting-categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from groat.kernel.errors import InvalidRequest
from groat.kernel.moments import from_unix
from groat.kernel.value import replace
from groat.providers.domain.movements import Movement, MovementCategory, Pool, signed_category
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.payloads import (
    BookedFee,
    BookedSource,
    BookedTransaction,
)

FEE_CATEGORIES = frozenset({"fee", "network_cost"})
"""Categories of movements that are only a fee: the amount is the fee, the fee its tax."""

_CATEGORIES = {
    "advance": MovementCategory.FINANCING,
    "advance_funding": MovementCategory.FINANCING,
    "anticipation_repayment": MovementCategory.FINANCING,
    "charge": MovementCategory.CHARGE,
    "charge_failure": MovementCategory.CHARGE_FAILURE,
    "connect_reserved_funds": MovementCategory.RESERVE,
    "dispute": MovementCategory.DISPUTE,
    "dispute_reversal": MovementCategory.DISPUTE_REVERSAL,
    "fee": MovementCategory.FEE,
    "financing_paydown": MovementCategory.FINANCING,
    "financing_paydown_reversal": MovementCategory.FINANCING,
    "financing_payout": MovementCategory.FINANCING,
    "financing_payout_reversal": MovementCategory.FINANCING,
    "network_cost": MovementCategory.FEE,
    "partial_capture_reversal": MovementCategory.PARTIAL_CAPTURE,
    "payment_network_reserve_hold": MovementCategory.RESERVE,
    "payment_network_reserve_release": MovementCategory.RESERVE,
    "payout": MovementCategory.PAYOUT,
    "payout_minimum_balance_hold": MovementCategory.RESERVE,
    "payout_minimum_balance_release": MovementCategory.RESERVE,
    "payout_reversal": MovementCategory.PAYOUT_REVERSAL,
    "refund": MovementCategory.REFUND,
    "refund_failure": MovementCategory.REFUND_FAILURE,
    "risk_reserved_funds": MovementCategory.RESERVE,
    "tax": MovementCategory.TAX,
    "topup": MovementCategory.TOP_UP,
    "topup_reversal": MovementCategory.TOP_UP,
}
"""Our category of each of Stripe's. Stripe adds new ones; they become ``OTHER`` with their name."""

_TAXES = frozenset({"tax", "withheld_tax"})
"""Parts of a fee that are tax."""


def category_of(reporting_category: str, amount: int) -> MovementCategory:
    """Return our category of a movement. Its sign decides; Stripe's ``type`` never does."""
    return signed_category(_CATEGORIES.get(reporting_category, MovementCategory.OTHER), amount)


def own_movements(
    source: str,
    charge: str,
    *booked: BookedTransaction | str | None,
    told_at: datetime | None = None,
) -> tuple[Movement, ...]:
    """Return the movements that an object holds itself, such as those of a dispute.

    ``source`` is the object, and ``charge`` the charge that it belongs to. Balance transactions
    that are not expanded are left out. So are those without a time, unless ``told_at`` is given,
    and those with an amount that cannot be read: they must not keep the fact back.
    """
    found: list[Movement] = []
    for one in booked:
        if not isinstance(one, BookedTransaction):
            continue
        at = told_at if one.created is None else from_unix(one.created)
        with suppress(InvalidRequest):
            found += [] if at is None else [movement(one, at)]
    return tuple(replace(one, source=source, parent=charge) for one in found)


def movement(booked: BookedTransaction, told_at: datetime, payout: str | None = None) -> Movement:
    """Return the movement of a balance transaction.

    ``told_at`` is the time of the report, for a report that does not say when Stripe booked it.
    ``payout`` is the automatic payout whose list contains the transaction.

    Raises:
        InvalidRequest: an amount is no whole number of the currency's minor units.
    """
    source = booked.source if isinstance(booked.source, BookedSource) else None
    parts = _fee_parts(booked.fee_details, booked.currency)
    gross, fee, tax = split(
        booked.reporting_category,
        stripe_money(booked.amount, booked.currency).amount,
        stripe_money(booked.fee, booked.currency).amount,
        parts,
    )
    return Movement(
        booked.id,
        category_of(booked.reporting_category, booked.amount),
        booked.reporting_category,
        (None if booked.created is None else from_unix(booked.created)) or told_at,
        booked.currency.upper(),
        gross,
        fee,
        tax,
        source.id if source else booked.source_id,
        source.charge if source else None,
        payout,
        Pool.AVAILABLE if booked.balance_type == "payments" else Pool.RESERVED,
        parts,
    )


def split(
    reporting_category: str, amount: int, fee: int, parts: Mapping[str, int]
) -> tuple[int, int, int]:
    """Return gross, fee and tax of a movement, whose sum ``gross - fee - tax`` is its net amount.

    Example: a movement of the category ``fee`` over -200 with a fee of 38 is a fee of 200 with a
    tax of 38, and moves no other money.
    """
    if reporting_category in FEE_CATEGORIES:
        return 0, -amount, fee
    if reporting_category == "tax":
        return 0, fee, -amount
    tax = sum(part for name, part in parts.items() if name in _TAXES)
    return amount, fee - tax, tax


def _fee_parts(details: Sequence[BookedFee], currency: str) -> dict[str, int]:
    """Return the parts of a fee by their names, in the currency of the movement."""
    parts: dict[str, int] = {}
    for detail in details:
        amount = stripe_money(detail.amount, currency).amount
        parts[detail.type] = parts.get(detail.type, 0) + amount
    return parts
