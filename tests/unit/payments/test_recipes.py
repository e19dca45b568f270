from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.accounts.domain import chart
from groat.accounts.domain.ledger import Entry
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId
from groat.kernel.money import MAX_AMOUNT, Money
from groat.payments.domain import recipes
from groat.payments.domain.standing import EffectKey, EffectKind
from groat.payments.domain.verdict import Effect
from tests.unit.payments.examples import (
    BENEFICIARY,
    OTHER_PROVIDER_ACCOUNT,
    PROVIDER_ACCOUNT,
    STARTED,
)

MERCHANT = MerchantId(7)
CLEARING, FEES, RECEIVABLE = (AccountId(UUID(int=number)) for number in (8, 9, 10))
OWN = {
    **{
        chart.clearing(one, "EUR").code: CLEARING
        for one in (PROVIDER_ACCOUNT, OTHER_PROVIDER_ACCOUNT)
    },
    chart.fees(PROVIDER_ACCOUNT, "EUR").code: FEES,
    chart.receivable("EUR").code: RECEIVABLE,
}


def _effect(
    kind: EffectKind,
    amount: int = 1050,
    reference: str = "ch_1",
    account_id: ProviderAccountId = PROVIDER_ACCOUNT,
    shortfall: int = 0,
) -> Effect:
    key = EffectKey(account_id, kind, reference)
    return Effect(key, STARTED, Money(amount, "EUR"), shortfall=shortfall)


@pytest.mark.parametrize(
    ("kind", "debited", "credited"),
    [
        (EffectKind.CAPTURED, CLEARING, BENEFICIARY),
        (EffectKind.REFUNDED, BENEFICIARY, CLEARING),
        (EffectKind.FEE, FEES, CLEARING),
        (EffectKind.DISPUTE_WITHDRAWN, BENEFICIARY, CLEARING),
        (EffectKind.DISPUTE_REINSTATED, CLEARING, BENEFICIARY),
    ],
)
@given(amount=st.integers(1, MAX_AMOUNT))
def test_each_effect_moves_its_amount(
    kind: EffectKind, debited: AccountId, credited: AccountId, amount: int
) -> None:
    fact = recipes.posting(MERCHANT, _effect(kind, amount), OWN)
    assert fact.kind.name == f"payment.{kind}"
    assert set(fact.entries) == {Entry(debited, -amount, "EUR"), Entry(credited, amount, "EUR")}


@given(amount=st.integers(2, MAX_AMOUNT), share=st.floats(0, 1))
def test_a_debt_from_a_dispute_is_paid_first(amount: int, share: float) -> None:
    shortfall = min(amount, int(amount * share))
    effect = _effect(EffectKind.DISPUTE_REINSTATED, amount, shortfall=shortfall)
    fact = recipes.posting(MERCHANT, effect, OWN)
    moved = {entry.account_id: entry.amount for entry in fact.entries}
    assert moved.get(RECEIVABLE, 0) == shortfall
    assert moved.get(BENEFICIARY, 0) == amount - shortfall


def test_each_effect_has_a_reference_of_its_own() -> None:
    captured = EffectKind.CAPTURED
    first = recipes.posting(MERCHANT, _effect(captured), OWN)
    facts = (
        first,
        recipes.posting(MERCHANT, _effect(captured, reference="ch_2"), OWN),
        recipes.posting(MERCHANT, _effect(captured, account_id=OTHER_PROVIDER_ACCOUNT), OWN),
        recipes.posting(MERCHANT, _effect(EffectKind.FEE), OWN),
    )
    assert len({fact.reference for fact in facts}) == len({fact.id for fact in facts}) == 4
    assert first == recipes.posting(MERCHANT, _effect(captured), OWN)


@given(st.text("abcXYZ019_-", min_size=1, max_size=400))
def test_a_reference_fits_into_the_ledger_for_any_provider_reference(reference: str) -> None:
    fact = recipes.posting(MERCHANT, _effect(EffectKind.CAPTURED, reference=reference), OWN)
    assert len(fact.reference) <= 255
    other = recipes.posting(MERCHANT, _effect(EffectKind.CAPTURED, reference=reference + "!"), OWN)
    assert other.reference != fact.reference
