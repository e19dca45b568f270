from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.ids import HoldId, ProviderAccountId
from groat.kernel.money import MAX_AMOUNT, Money
from groat.movements.domain.booking import ToldFact
from groat.movements.domain.postings import Line
from groat.payments.domain import recipes
from groat.payments.domain.standing import EffectKey, EffectKind
from groat.payments.domain.verdict import Effect
from tests.unit.payments.examples import (
    BENEFICIARY,
    HOLD_ID,
    OTHER_PROVIDER_ACCOUNT,
    PROVIDER_ACCOUNT,
    STARTED,
)


def _effect(
    kind: EffectKind,
    amount: int = 1050,
    reference: str = "ch_1",
    account_id: ProviderAccountId = PROVIDER_ACCOUNT,
    hold_id: HoldId | None = None,
) -> Effect:
    key = EffectKey(account_id, kind, reference)
    return Effect(key, STARTED, Money(amount, "EUR"), "ch_1", hold_id)


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        (EffectKind.CAPTURED, 1),
        (EffectKind.REFUNDED, -1),
        (EffectKind.REFUND_REVERSED, 1),
        (EffectKind.CAPTURE_RETURNED, -1),
    ],
)
@given(amount=st.integers(1, MAX_AMOUNT))
def test_each_effect_moves_its_amount_between_beneficiary_and_clearing(
    kind: EffectKind, sign: int, amount: int
) -> None:
    effect = _effect(kind, amount)
    assert recipes.beneficiary_line(effect) == Line(BENEFICIARY, sign * amount, "EUR")
    told = Money(-sign * amount, "EUR")
    assert recipes.told_fact(effect) == ToldFact("ch_1", "ch_1", told)
    assert recipes.KINDS[kind].name == f"payment.{kind}"


def test_only_money_that_is_taken_without_a_hold_may_fall_short() -> None:
    short = {kind for kind in EffectKind if recipes.may_fall_short(_effect(kind))}
    assert short == {EffectKind.REFUNDED, EffectKind.CAPTURE_RETURNED}
    assert not recipes.may_fall_short(_effect(EffectKind.REFUNDED, hold_id=HOLD_ID))


def test_each_effect_has_a_reference_of_its_own() -> None:
    captured = EffectKind.CAPTURED
    effects = (
        _effect(captured),
        _effect(captured, reference="ch_2"),
        _effect(captured, account_id=OTHER_PROVIDER_ACCOUNT),
        _effect(EffectKind.CAPTURE_RETURNED),
    )
    references = [recipes.ledger_reference(effect.key) for effect in effects]
    assert len(set(references)) == 4
    assert references[0] == recipes.ledger_reference(_effect(captured).key)


@given(st.text("abcXYZ019_-", min_size=1, max_size=400))
def test_a_reference_fits_into_the_ledger_for_any_provider_reference(reference: str) -> None:
    key = EffectKey(PROVIDER_ACCOUNT, EffectKind.CAPTURED, reference)
    other = key._replace(reference=f"{reference}!")
    assert len(recipes.ledger_reference(key)) <= 255
    assert recipes.ledger_reference(key) != recipes.ledger_reference(other)
