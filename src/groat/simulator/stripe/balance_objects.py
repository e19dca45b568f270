"""Balance transactions, the balance, payouts, top-ups and transfers in the JSON of Stripe's API."""

from __future__ import annotations

from collections.abc import Mapping

from groat.simulator.stripe.balance_model import (
    ConnectedAccount,
    FeePart,
    StripeBalanceTransaction,
    StripePayout,
    StripeTopup,
    StripeTransfer,
    TransferReversal,
)
from groat.simulator.wire import JsonObject

BANK_ACCOUNT = "ba_simulated"
"""The id of the merchant's bank account."""


RESERVE_HOLD = "rsv"
"""Prefix of the ids of holds."""


def balance_transaction(transaction: StripeBalanceTransaction, now: int) -> JsonObject:
    """Return a change of the account's balance, with its status at the time ``now``."""
    return {
        "id": transaction.id,
        "object": "balance_transaction",
        "amount": transaction.amount,
        "available_on": transaction.available_on,
        "balance_type": transaction.balance_type,
        "created": transaction.created,
        "currency": transaction.currency,
        "description": None,
        "exchange_rate": transaction.exchange_rate,
        "fee": transaction.fee,
        "fee_details": [_fee(part, transaction.currency) for part in transaction.fees],
        "net": transaction.net,
        "reporting_category": transaction.reporting_category,
        "source": transaction.source,
        "status": "available" if transaction.available_on <= now else "pending",
        "type": transaction.kind,
    }


def balance(
    available: Mapping[str, int], pending: Mapping[str, int], *, livemode: bool
) -> JsonObject:
    """Return the balance. Amounts may be negative."""
    return {
        "object": "balance",
        "available": [_amount(*one) for one in sorted(available.items())],
        "livemode": livemode,
        "pending": [_amount(*one) for one in sorted(pending.items())],
    }


def payout(made: StripePayout) -> JsonObject:
    """Return the present state of a payout."""
    failed = made.status == "failed"
    message = "The bank account has been closed."
    return {
        "id": made.id,
        "object": "payout",
        "amount": made.amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": made.arrival_date,
        "automatic": made.automatic,
        "balance_transaction": made.balance_transaction,
        "created": made.created,
        "currency": made.currency,
        "description": made.description,
        "destination": BANK_ACCOUNT,
        "failure_balance_transaction": made.failure_balance_transaction,
        "failure_code": "account_closed" if failed else None,
        "failure_message": message if failed else None,
        "livemode": False,
        "metadata": made.metadata,
        "method": made.method,
        "original_payout": None,
        "reconciliation_status": _reconciliation(made),
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": made.status,
        "type": "bank_account",
    }


def topup(made: StripeTopup) -> JsonObject:
    """Return the present state of a top-up."""
    return {
        "id": made.id,
        "object": "topup",
        "amount": made.amount,
        "balance_transaction": made.balance_transaction,
        "created": made.created,
        "currency": made.currency,
        "description": made.description,
        "expected_availability_date": made.created,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": made.metadata,
        "source": None,
        "statement_descriptor": None,
        "status": made.status,
        "transfer_group": None,
    }


def connected_account(connected: ConnectedAccount) -> JsonObject:
    """Return a connected account."""
    return {
        "id": connected.id,
        "object": "account",
        "capabilities": {},
        "charges_enabled": False,
        "country": "US",
        "created": connected.created,
        "default_currency": "usd",
        "details_submitted": False,
        "email": connected.email,
        "metadata": connected.metadata,
        "payouts_enabled": False,
        "type": connected.type,
    }


def transfer(made: StripeTransfer) -> JsonObject:
    """Return the present state of a transfer."""
    url = f"/v1/transfers/{made.id}/reversals"
    reversals = list(map(transfer_reversal, made.reversals))
    return {
        "id": made.id,
        "object": "transfer",
        "amount": made.amount,
        "amount_reversed": made.amount_reversed,
        "balance_transaction": made.balance_transaction,
        "created": made.created,
        "currency": made.currency,
        "description": made.description,
        "destination": made.destination,
        "destination_payment": None,
        "livemode": False,
        "metadata": made.metadata,
        "reversals": {"object": "list", "data": reversals, "has_more": False, "url": url},
        "reversed": made.amount_reversed == made.amount,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": made.transfer_group,
    }


def transfer_reversal(made: TransferReversal) -> JsonObject:
    """Return a reversal of a transfer."""
    return {
        "id": made.id,
        "object": "transfer_reversal",
        "amount": made.amount,
        "balance_transaction": made.balance_transaction,
        "created": made.created,
        "currency": made.currency,
        "destination_payment_refund": None,
        "metadata": made.metadata,
        "source_refund": None,
        "transfer": made.transfer,
    }


def _reconciliation(made: StripePayout) -> str:
    if not made.automatic:
        return "not_applicable"
    return "completed" if made.complete else "in_progress"


def _amount(currency: str, amount: int) -> JsonObject:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _fee(part: FeePart, currency: str) -> JsonObject:
    return {
        "amount": part.amount,
        "application": None,
        "currency": currency,
        "description": part.description,
        "type": part.kind,
    }


def reserve_hold(reference: str) -> JsonObject | None:
    """Return a hold of a reserve, of which only its id is kept; None for any other object."""
    if not reference.startswith(f"{RESERVE_HOLD}_"):
        return None
    return {"id": reference, "object": "reserve.hold"}
