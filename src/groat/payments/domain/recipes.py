"""Recipes: the lines of each effect in the ledger. Credits are positive, debits negative. Pure."""

from __future__ import annotations

import hashlib

from groat.accounts.domain.kinds import TransactionKind
from groat.accounts.domain.ledger import ENGINE_NAMESPACE
from groat.kernel import ids
from groat.kernel.money import Money
from groat.movements.domain.booking import ToldFact
from groat.movements.domain.postings import Line
from groat.payments.domain.standing import EffectKey, EffectKind
from groat.payments.domain.verdict import Effect

KINDS = {
    EffectKind.CAPTURED: TransactionKind(16, "payment.captured"),
    EffectKind.REFUNDED: TransactionKind(17, "payment.refunded"),
    EffectKind.REFUND_REVERSED: TransactionKind(18, "payment.refund_reversed"),
    EffectKind.CAPTURE_RETURNED: TransactionKind(19, "payment.capture_returned"),
}
"""The kinds of ledger transactions of payments: numbers 16 to 19."""

_INCOMING = frozenset({EffectKind.CAPTURED, EffectKind.REFUND_REVERSED})
"""Effects that credit the beneficiary. The others debit it."""

_LONGEST_REFERENCE = 255
_READABLE = 190


def credited(effect: Effect) -> int:
    """Return the amount that an effect credits to the beneficiary, negative if it debits it."""
    amount = effect.money.amount
    return amount if effect.key.kind in _INCOMING else -amount


def beneficiary_line(effect: Effect) -> Line:
    """Return the beneficiary's line of an effect."""
    beneficiary = effect.payment.order.terms.beneficiary_id
    return Line(beneficiary, credited(effect), effect.money.currency)


def told_fact(effect: Effect) -> ToldFact:
    """Return the side of clearing, which the movement of the same object cancels out."""
    told = Money(-credited(effect), effect.money.currency)
    return ToldFact(effect.key.reference, effect.capture, told)


def may_fall_short(effect: Effect) -> bool:
    """Tell whether the beneficiary may lack the amount of an effect, and then owes us the rest.

    A refund by us spends a hold, so it never falls short.
    """
    return credited(effect) < 0 and effect.hold_id is None


def ledger_reference(key: EffectKey) -> str:
    """Return the reference of an effect's posting, hashed in part if it exceeds 255 characters.

    ``check_effects_are_posted_once`` in ``checks.sql`` computes the same.
    """
    account = ids.render("provider_account", key.provider_account_id)
    text = f"{ENGINE_NAMESPACE}{key.kind}:{account}:{key.reference}"
    if len(text) <= _LONGEST_REFERENCE:
        return text
    return f"{text[:_READABLE]}:{hashlib.sha256(text.encode()).hexdigest()}"


def subject(effect: Effect) -> str:
    """Return the id of the refund that caused an effect, else of the payment."""
    if effect.refund_id is not None:
        return ids.render("refund", effect.refund_id)
    return ids.render("payment", effect.payment.id)
