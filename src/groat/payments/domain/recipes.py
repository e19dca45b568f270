"""The postings that payments make. Credits are positive, debits negative."""

from __future__ import annotations

from groat.accounts.domain.ledger import Entry, Transaction
from groat.kernel.ids import AccountId, MerchantId
from groat.payments.domain.decisions import Effect


def captured(merchant_id: MerchantId, effect: Effect, clearing_id: AccountId) -> Transaction:
    """Debit what the provider now holds for us, credit the beneficiary."""
    order = effect.payment.order
    return Transaction.of(
        merchant_id,
        kind="payment.captured",
        reference=f"{effect.key.kind}:{effect.key.provider_account_id}:{effect.key.reference}",
        entries=(
            Entry(clearing_id, -effect.amount, order.amount.currency),
            Entry(order.beneficiary_id, effect.amount, order.amount.currency),
        ),
    )
