"""Payments at both providers with what follows them, and the comparison of the balances."""

from __future__ import annotations

import asyncio
from random import Random

from tests.support.feeds import act, ours, theirs
from tests.support.payments import PROVIDERS
from tests.support.world import GOOD, Payment, World


async def assert_equal_balances(world: World) -> None:
    """Compare our account of the money at each provider with the provider's own books."""
    for provider in PROVIDERS:
        site = world.site(provider)
        assert await ours(world, site) == await theirs(site), provider


async def _live(world: World, wallet: str, provider: str, number: int, chance: Random) -> None:
    """Let one payment happen, and something of what may follow it."""
    site = world.site(provider)
    payment: Payment = await world.pay(
        wallet,
        amount=1000 + number,
        provider_account=site.account,
        payment_method=GOOD[provider],
    )
    reference = {"provider_reference": payment["provider_reference"]}
    if payment["provider_reference"] is None:
        return
    match chance.randrange(6):
        case 0:
            await world.ask("refunds", {"payment": payment["id"], "amount": 100})
        case 1:
            await act(site, "refund", id=payment["provider_reference"], amount=300)
        case 2:
            await site.pull("dispute", reference)
            await site.pull("dispute_won", reference)
        case 3:
            await site.pull("dispute", reference)
            await site.pull("dispute_lost", reference)
        case _:
            pass


async def live_together(world: World, wallet: str, chance: Random) -> None:
    """Let payments happen at both providers, eight at once, and what may follow them."""
    for start in range(0, 48, 8):
        await asyncio.gather(
            *(
                _live(world, wallet, PROVIDERS[number % 2], number, chance)
                for number in range(start, start + 8)
            )
        )
    await act(world.stripe, "book", kind="adjustment", category="fee", amount=-90, currency="eur")
    await act(world.stripe, "reserve", currency="eur", amount=400)
    await act(world.paypal, "withdraw", currency="EUR", amount=2000)
