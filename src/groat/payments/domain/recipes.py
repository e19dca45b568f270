"""Recipes: the ledger posting of each effect. Credits are positive, debits negative. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import assert_never

from groat.accounts.domain import chart
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.kinds import TransactionKind
from groat.accounts.domain.ledger import ENGINE_NAMESPACE, Entry, Transaction
from groat.kernel import ids
from groat.kernel.ids import AccountId, MerchantId
from groat.payments.domain.standing import EffectKey, EffectKind
from groat.payments.domain.verdict import Effect

KINDS = {
    EffectKind.CAPTURED: TransactionKind(16, "payment.captured"),
    EffectKind.FEE: TransactionKind(17, "payment.fee"),
    EffectKind.REFUNDED: TransactionKind(18, "payment.refunded"),
    EffectKind.DISPUTE_WITHDRAWN: TransactionKind(19, "payment.dispute_withdrawn"),
    EffectKind.DISPUTE_REINSTATED: TransactionKind(20, "payment.dispute_reinstated"),
}
"""The kinds of ledger transactions of payments: numbers 16 to 20."""

_LONGEST_REFERENCE = 255
_READABLE = 190


def own_accounts(effect: Effect) -> list[AccountSpec]:
    """Return the engine's accounts that the posting of an effect may touch."""
    account_id, currency = effect.key.provider_account_id, effect.money.currency
    clearing = chart.clearing(account_id, currency)
    match effect.key.kind:
        case EffectKind.CAPTURED | EffectKind.REFUNDED:
            return [clearing]
        case EffectKind.FEE:
            return [clearing, chart.fees(account_id, currency)]
        case EffectKind.DISPUTE_WITHDRAWN | EffectKind.DISPUTE_REINSTATED:
            return [clearing, chart.receivable(currency)]
        case kind:
            assert_never(kind)


def posting(
    merchant_id: MerchantId, effect: Effect, account_ids: Mapping[str, AccountId]
) -> Transaction:
    """Return the posting of an effect; ``account_ids`` are those of ``own_accounts`` by code.

    The clearing account shows the money that the provider holds for us. A capture moves money from
    it to the beneficiary. The beneficiary bears refunds and disputes; we bear fees. If a dispute
    takes more than the beneficiary has, the beneficiary owes us the rest (see ``owed``). Money that
    a dispute gives back pays that debt first.
    """
    currency, amount = effect.money.currency, effect.money.amount
    clearing, *others = (account_ids[spec.code] for spec in own_accounts(effect))
    beneficiary = effect.payment.order.terms.beneficiary_id
    match effect.key.kind:
        case EffectKind.CAPTURED:
            moves = [(clearing, -amount), (beneficiary, amount)]
        case EffectKind.REFUNDED | EffectKind.DISPUTE_WITHDRAWN:
            moves = [(beneficiary, -amount), (clearing, amount)]
        case EffectKind.FEE:
            moves = [(others[0], -amount), (clearing, amount)]
        case EffectKind.DISPUTE_REINSTATED:
            rest = amount - effect.shortfall
            moves = [(clearing, -amount), (others[0], effect.shortfall), (beneficiary, rest)]
        case kind:
            assert_never(kind)
    return Transaction.of(
        merchant_id,
        kind=KINDS[effect.key.kind],
        reference=ledger_reference(effect.key),
        entries=tuple(Entry(account_id, moved, currency) for account_id, moved in moves if moved),
        subject=_subject(effect),
    )


def owed(effect: Effect, account_ids: Mapping[str, AccountId]) -> AccountId | None:
    """Return the receivable account for the part of a withdrawal that the beneficiary lacks."""
    if effect.key.kind is not EffectKind.DISPUTE_WITHDRAWN:
        return None
    return account_ids[chart.receivable(effect.money.currency).code]


def ledger_reference(key: EffectKey) -> str:
    """Return the reference of an effect's posting, hashed in part if it exceeds 255 characters.

    ``check_effects_are_posted_once`` in ``checks.sql`` computes the same.
    """
    account = ids.render("provider_account", key.provider_account_id)
    text = f"{ENGINE_NAMESPACE}{key.kind}:{account}:{key.reference}"
    if len(text) <= _LONGEST_REFERENCE:
        return text
    return f"{text[:_READABLE]}:{hashlib.sha256(text.encode()).hexdigest()}"


def _subject(effect: Effect) -> str:
    """Return the id of the refund or the dispute that caused an effect, else of the payment."""
    if effect.refund_id is not None:
        return ids.render("refund", effect.refund_id)
    if effect.dispute_id is not None:
        return ids.render("dispute", effect.dispute_id)
    return ids.render("payment", effect.payment.id)
