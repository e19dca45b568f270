from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from groat.accounts.domain.ledger import Balance, post
from groat.kernel.ids import AccountId, TransactionId
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
TRANSACTION = TransactionId(UUID(int=9))
BEFORE = {account: Balance(account, "EUR", 0, 0) for account in (CLEARING, BENEFICIARY)}


def _effect(amount: int = 1050, reference: str = "ch_1") -> Effect:
    return Effect(EffectKey(PROVIDER_ACCOUNT, "captured", reference), STARTED, amount)


@given(st.integers(1, MAX_AMOUNT))
def test_a_capture_credits_the_beneficiary_with_what_the_provider_owes(amount: int) -> None:
    after, _ = post(BEFORE, [recipes.captured(_effect(amount), CLEARING, TRANSACTION)])
    assert after[BENEFICIARY].posted == amount
    assert after[CLEARING].posted == -amount


def test_each_effect_has_a_reference_of_its_own() -> None:
    first = recipes.captured(_effect(), CLEARING, TRANSACTION)
    other = Effect(EffectKey(OTHER_PROVIDER_ACCOUNT, "captured", "ch_1"), STARTED, 1050)
    references = {
        posting.reference
        for posting in (
            first,
            recipes.captured(_effect(reference="ch_2"), CLEARING, TRANSACTION),
            recipes.captured(other, CLEARING, TRANSACTION),
        )
    }
    assert len(references) == 3
    assert first == recipes.captured(_effect(), CLEARING, TRANSACTION)
    assert (first.kind, first.transaction_id) == ("payment.captured", TRANSACTION)
