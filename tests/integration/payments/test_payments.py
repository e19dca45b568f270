from __future__ import annotations

import pytest

from tests.integration.world import BAD_PAYPAL, BAD_STRIPE, GOOD_PAYPAL, GOOD_STRIPE, World


@pytest.mark.parametrize(("provider", "method"), [("stripe", GOOD_STRIPE), ("paypal", GOOD_PAYPAL)])
async def test_a_payment_is_taken_and_posted(world: World, provider: str, method: str) -> None:
    site = getattr(world, provider)
    wallet = await world.wallet()
    payment = await world.pay(wallet, provider_account=site.account, payment_method=method)
    assert (payment["status"], payment["captured"]) == ("succeeded", 1050)
    assert await world.balance(wallet) == 1050
    [charge] = await site.charges()
    assert (charge["reference"], charge["amount"]) == (payment["id"], 1050)


@pytest.mark.parametrize(("provider", "method"), [("stripe", BAD_STRIPE), ("paypal", BAD_PAYPAL)])
async def test_a_declined_payment_moves_nothing(world: World, provider: str, method: str) -> None:
    site = getattr(world, provider)
    wallet = await world.wallet()
    payment = await world.pay(wallet, provider_account=site.account, payment_method=method)
    assert (payment["status"], payment["captured"]) == ("failed", 0)
    assert payment["failure_code"] == "insufficient_funds"
    assert await world.balance(wallet) == 0
    assert await site.charges() == []
