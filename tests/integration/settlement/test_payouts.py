"""Payouts: each shows the movements in it, and the remainder has a name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from groat.kernel import ids
from groat.kernel.errors import NotFound
from groat.kernel.ids import ProviderAccountId
from groat.providers.domain.payouts import PayoutStatus
from groat.settlement.domain.payouts import Remainder, RemainderName
from groat.settlement.service.payouts import ShownPayout
from tests.support.feeds import act, fed, read_feeds
from tests.support.payments import pay
from tests.support.world import Site, World


@pytest.fixture
async def shop(world: World) -> AsyncIterator[World]:
    """A world with simulators of its own, and nothing booked there yet."""
    async with fed(world) as shop:
        yield shop


async def _paid_out(shop: World) -> dict[str, Any]:
    """Let Stripe pay the money of a payment out."""
    wallet = await shop.wallet()
    account = shop.stripe.account
    await shop.pay(wallet, provider_account=account, payment_method="pm_card_bypassPending")
    payout = await act(shop.stripe, "payout", currency="eur")
    await read_feeds(shop)
    return payout


async def _shown(shop: World, site: Site, reference: str) -> ShownPayout:
    account_id = ProviderAccountId(ids.parse("provider_account", site.account))
    return await shop.engine.payouts.show(shop.merchant_id, account_id, reference)


async def test_a_complete_payout_is_explained_by_its_movements(shop: World) -> None:
    minimum = {"minimum_balances": {"eur": 100}}
    answer = await shop.stripe.http.put("/_simulator/account", json=minimum)
    assert answer.status_code == 200, answer.text
    payout = (await _paid_out(shop))["id"]
    early = await _shown(shop, shop.stripe, payout)
    assert early.remainder == Remainder(-911, RemainderName.LIST_NOT_COMPLETE)
    await act(shop.stripe, "payout_completes", id=payout)
    await act(shop.stripe, "payout_arrives", id=payout)
    found = await _shown(shop, shop.stripe, payout)
    assert found.remainder == Remainder(0, RemainderName.NONE)
    assert sorted(one.net for one in found.movements) == [-911, -100, 1011]
    assert found.told is not None
    assert (found.told.amount, found.told.status) == (911, PayoutStatus.PAID)
    await act(shop.stripe, "payout_fails", id=payout)
    await read_feeds(shop)
    returned = (await _shown(shop, shop.stripe, payout)).returned
    assert returned is not None
    assert returned.net == 911
    listed = await shop.groat("payouts", "list", shop.stripe.account)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "9.11 EUR" in listed.stdout
    shown = await shop.groat("payouts", "show", shop.stripe.account, payout)
    assert shown.returncode == 0
    assert "failed" in shown.stdout


async def test_paypal_does_not_tell_the_content_of_a_payout(shop: World) -> None:
    wallet = await shop.wallet()
    await pay(shop, wallet, "paypal")
    await act(shop.paypal, "withdraw", currency="EUR", amount=100)
    await read_feeds(shop)
    account_id = ProviderAccountId(ids.parse("provider_account", shop.paypal.account))
    [payout] = await shop.engine.payouts.listed(shop.merchant_id, account_id, limit=10)
    found = await _shown(shop, shop.paypal, payout.source or payout.key)
    assert found.booked == payout
    assert found.remainder.name is RemainderName.CONTENT_NOT_TOLD
    with pytest.raises(NotFound, match="payout"):
        await _shown(shop, shop.paypal, "unknown")
