"""Routing rules, and payments that they send."""

from __future__ import annotations

from typing import Any

from tests.support.world import Payment, World

TOKENS = {"stripe": "pm_card_visa", "paypal": "card:vault_visa"}


def rule(world: World, name: str, *providers: str, **more: object) -> dict[str, object]:
    targets = [{"provider_account": world.site(one).account} for one in providers]
    return {"name": name, "targets": targets, **more}


async def put_rules(world: World, *rules: dict[str, object]) -> dict[str, Any]:
    answer = await world.api.put("/v1/routing-rules", json={"rules": list(rules)})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def routed(world: World, wallet: str, **changes: object) -> Payment:
    order = world.order(wallet, **{"payment_methods": TOKENS, **changes})
    del order["provider_account"], order["payment_method"]
    answer = await world.api.post("/v1/payments", json=order)
    assert answer.status_code == 201, answer.text
    payment: Payment = answer.json()
    return payment
