"""A merchant's past: payments of every kind, webhooks, transfers, holds and movements."""

from __future__ import annotations

from tests.support.movements import live_at_the_provider
from tests.support.routing import put_rules, routed, rule
from tests.support.world import BAD_STRIPE, GOOD_PAYPAL, World


async def live(world: World) -> None:
    """Make payments of every kind, apply their webhooks, and move money."""
    wallet = await world.wallet()
    for _ in range(2):
        await world.pay(wallet)
    await world.pay(wallet, payment_method=BAD_STRIPE)
    keyed = {"idempotency-key": "order-1"}
    await world.api.post("/v1/payments", json=world.order(wallet), headers=keyed)
    await world.pay(wallet, provider_account=world.paypal.account, payment_method="card:vault_visa")
    refunded, disputed = [await world.pay(wallet) for _ in range(2)]
    await world.refund(refunded, amount=100)
    await world.stripe.pull("dispute", disputed)
    await world.command(await world.reserve(wallet), "cancel")
    await put_rules(world, rule(world, "all", "stripe", "paypal", fallback_on=["do_not_honor"]))
    await routed(
        world, wallet, payment_methods={"stripe": "pm_card_chargeDeclined", "paypal": GOOD_PAYPAL}
    )
    await world.deliver_all(await world.posted_mail())
    await world.drain()
    await _move_money(world, wallet)
    await live_at_the_provider(world)


async def _move_money(world: World, wallet: str) -> None:
    """Make a transfer, its reversal, and holds that are captured, released and open."""
    other = await world.wallet("wallet:bob")
    common = {"amount": 100, "currency": "EUR"}
    transfer = {**common, "reference": "t", "debit_account": wallet, "credit_account": other}
    made = (await world.api.post("/v1/transfers", json=transfer)).raise_for_status().json()
    await world.api.post(f"/v1/transfers/{made['id']}/reverse")
    for name in ("captured", "released", "open"):
        order = {**common, "reference": name, "account": wallet}
        hold = (await world.api.post("/v1/holds", json=order)).raise_for_status().json()
        take = {"reference": f"take-{name}", "credit_account": other}
        if name == "captured":
            await world.api.post(f"/v1/holds/{hold['id']}/capture", json=take)
        if name == "released":
            await world.api.post(f"/v1/holds/{hold['id']}/release")
