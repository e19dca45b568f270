"""Stripe refuses to search in some countries: a lost answer is learned all the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import BAD_STRIPE, GOOD_STRIPE, World


async def _lose_answer(world: World, fault: str, method: str = GOOD_STRIPE) -> dict[str, Any]:
    await world.stripe.set_faults(answer=fault)
    payment = await world.pay(await world.wallet(), payment_method=method)
    await world.stripe.set_faults(refuse_search=True)
    assert (payment["status"], payment["provider_reference"]) == ("processing", None)
    return payment


async def _recover(world: World) -> None:
    await world.make_due()
    assert await world.engine.recovery.recover_batch() == 1


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "html"])
async def test_the_same_call_is_repeated_while_stripe_keeps_its_key(
    world: World, fault: str
) -> None:
    payment = await _lose_answer(world, fault)
    await _recover(world)
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert len(await world.stripe.charges()) == 1


@pytest.mark.parametrize(
    ("method", "status"), [(GOOD_STRIPE, "succeeded"), (BAD_STRIPE, "requires_payment_method")]
)
@pytest.mark.parametrize("fault", ["cut_after", "broken"])
@pytest.mark.parametrize("age", ["1 minute", "3 days"])
async def test_intents_are_listed_by_time_and_identified_by_metadata(
    world: World, fault: str, method: str, status: str, age: str
) -> None:
    payment = await _lose_answer(world, fault, method)
    for _ in range(3):  # others', which are newer
        await world.pay(payment["beneficiary"])
    await world.rows("update operation set created_at = created_at - %s::interval", age)
    await _recover(world)
    found = await world.payment(payment["id"])
    assert (found["status"], found["provider_reference"] is None) == (status, False)
    assert len(await world.stripe.charges()) == 3 + (status == "succeeded")
    assert await world.rows("select from operation where outcome = 'unknown'") == []
