"""PayPal payments: with a saved card, with a saved account, and without any token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World

RETURN_URL = "https://shop.example/back"


def _order(world: World, wallet: str, **changes: object) -> dict[str, object]:
    """Return the body of a request for a PayPal payment without a token."""
    account = world.paypal.account
    order = world.order(wallet, provider_account=account, return_url=RETURN_URL, **changes)
    return {name: value for name, value in order.items() if value is not None}


@pytest.mark.parametrize("method", ["card:vault_visa", "paypal:vault_wallet"])
async def test_a_saved_method_is_charged_at_once(world: World, method: str) -> None:
    wallet = await world.wallet()
    body = _order(world, wallet, payment_method=method)
    payment = (await world.ask("payments", body)).json()
    assert payment["status"] == "succeeded", payment
    assert await world.balance(wallet) == 1050


@pytest.mark.parametrize("capture_method", ["automatic", "manual"])
async def test_a_customer_without_a_saved_method_pays_on_the_paypal_page(
    world: World, capture_method: str
) -> None:
    wallet = await world.wallet()
    body = _order(world, wallet, payment_method=None, capture_method=capture_method)
    asked = await world.ask("payments", body)
    payment = asked.json()
    assert (asked.status_code, payment["status"]) == (201, "requires_action"), payment
    assert payment["next_action_url"].endswith(f"?token={payment['provider_reference']}")
    await world.paypal.pull("approve", payment)
    await world.settle()
    payment = await world.payment(payment["id"])
    if capture_method == "manual":
        assert payment["status"] == "authorized"
        payment = await world.command(payment, "capture")
    assert payment["status"] == "succeeded"
    assert len(await world.paypal.charges()) == 1
    assert await world.balance(wallet) == 1050


async def test_a_payment_without_approval_expires(world: World) -> None:
    wallet = await world.wallet()
    payment = (await world.ask("payments", _order(world, wallet, payment_method=None))).json()
    await world.rows("update payment set provider_reference = 'FORGOTTEN'")
    for _ in range(2):
        await world.make_due()
        await world.engine.recovery.recover_batch()
    payment = await world.payment(payment["id"])
    assert (payment["status"], payment["next_action_url"]) == ("expired", None)
    assert [one["outcome"] for one in payment["operations"]] == ["failed"]
    assert await world.engine.recovery.recover_batch() == 0


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        ("paypal", {"payment_method": None, "return_url": None}),
        ("paypal", {"payment_method": "vault_visa"}),
        ("paypal", {"payment_method": "card:"}),
        ("stripe", {"payment_method": None}),
    ],
)
async def test_a_payment_that_the_provider_cannot_take_is_refused_before_it_is_stored(
    world: World, provider: str, changes: dict[str, Any]
) -> None:
    wallet = await world.wallet()
    before = await world.counts()
    account = world.site(provider).account
    order = {**_order(world, wallet), "provider_account": account, **changes}
    body = {name: value for name, value in order.items() if value is not None}
    answer = await world.ask("payments", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_payment_method")
    assert await world.counts() == before


async def test_a_customer_without_a_saved_method_is_routed_to_paypal(world: World) -> None:
    wallet = await world.wallet()
    rule = {"name": "all", "targets": [{"provider_account": world.paypal.account}]}
    await world.api.put("/v1/routing-rules", json={"rules": [rule]})
    body = {
        "amount": 1050,
        "currency": "EUR",
        "beneficiary": wallet,
        "payment_methods": {"paypal": None},
        "return_url": RETURN_URL,
    }
    asked = await world.ask("payments", body)
    assert asked.json()["status"] == "requires_action", asked.json()
