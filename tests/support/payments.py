"""Payments at either provider, made through the API."""

from __future__ import annotations

from tests.support.world import GOOD, Payment, World

PROVIDERS = ("stripe", "paypal")
ACTION = {"stripe": "pm_card_authenticationRequired", "paypal": "card:vault_payer_action"}
DONE = {"stripe": "complete_action", "paypal": "approve"}
SHOP = "https://shop.example/back"


async def pay(world: World, wallet: str, provider: str, **changes: object) -> Payment:
    """Return a good payment at ``provider``."""
    account = world.site(provider).account
    return await world.pay(
        wallet, provider_account=account, payment_method=GOOD[provider], **changes
    )


async def waiting(world: World, provider: str, capture_method: str = "automatic") -> Payment:
    """Return a payment that waits for its customer's action."""
    payment = await world.pay(
        await world.wallet(),
        provider_account=world.site(provider).account,
        payment_method=ACTION[provider],
        capture_method=capture_method,
        return_url=SHOP,
    )
    assert payment["status"] == "requires_action", payment
    return payment
