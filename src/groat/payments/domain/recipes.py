"""The postings that payments make. Credits are positive, debits negative."""

from __future__ import annotations

from groat.accounts.domain.ledger import Entry, Posting
from groat.kernel.ids import AccountId, TransactionId
from groat.payments.domain.decisions import Effect


def captured(effect: Effect, clearing_id: AccountId, transaction_id: TransactionId) -> Posting:
    """Debit what the provider now holds for us, credit the beneficiary."""
    return Posting(
        transaction_id,
        kind="payment.captured",
        reference=f"{effect.key.kind}:{effect.key.provider_account_id}:{effect.key.reference}",
        entries=(
            Entry(clearing_id, -effect.amount),
            Entry(effect.payment.order.beneficiary_id, effect.amount),
        ),
    )
