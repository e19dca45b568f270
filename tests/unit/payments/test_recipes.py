from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from groat.accounts.domain.ledger import Entry
from groat.kernel.ids import AccountId, MerchantId
from groat.kernel.money import MAX_AMOUNT
from groat.payments.domain import recipes
from groat.payments.domain.decisions import Effect, EffectKey
from tests.unit.payments.examples import (
    BENEFICIARY,
    OTHER_PROVIDER_ACCOUNT,
    PROVIDER_ACCOUNT,
    STARTED,
)

CLEARING = AccountId(UUID(int=8))
MERCHANT = MerchantId(7)


def _effect(amount: int = 1050, reference: str = "ch_1") -> Effect:
    return Effect(EffectKey(PROVIDER_ACCOUNT, "captured", reference), STARTED, amount)


@given(st.integers(1, MAX_AMOUNT))
def test_a_capture_credits_the_beneficiary_with_what_the_provider_owes(amount: int) -> None:
    fact = recipes.captured(MERCHANT, _effect(amount), CLEARING)
    assert fact.kind == "payment.captured"
    assert set(fact.entries) == {
        Entry(BENEFICIARY, amount, "EUR"),
        Entry(CLEARING, -amount, "EUR"),
    }


def test_each_effect_has_a_reference_of_its_own() -> None:
    first = recipes.captured(MERCHANT, _effect(), CLEARING)
    other = Effect(EffectKey(OTHER_PROVIDER_ACCOUNT, "captured", "ch_1"), STARTED, 1050)
    facts = (
        first,
        recipes.captured(MERCHANT, _effect(reference="ch_2"), CLEARING),
        recipes.captured(MERCHANT, other, CLEARING),
    )
    assert len({fact.reference for fact in facts}) == len({fact.id for fact in facts}) == 3
    assert first == recipes.captured(MERCHANT, _effect(), CLEARING)
