"""An answer that settles nothing still says what the provider calls the payment: that is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World

UNSETTLED = {"paypal": "paypal:vault_wallet_pending", "stripe": "pm_usBankAccount_success"}
COMPLETE = {"paypal": "complete_capture", "stripe": "debit_succeeds"}
FAIL = {"paypal": "deny_capture", "stripe": "debit_fails"}
TELLS = {"paypal": "PAYMENT.CAPTURE.PENDING", "stripe": "payment_intent.processing"}

pytestmark = pytest.mark.parametrize("provider", ["paypal", "stripe"])


async def _begin(world: World, provider: str, wallet: str) -> dict[str, Any]:
    account = world.site(provider).account
    return await world.pay(wallet, provider_account=account, payment_method=UNSETTLED[provider])


async def _forget_keys(world: World) -> None:
    """Let so much time pass that the provider answers no repeated call any more."""
    await world.rows("update operation set created_at = created_at - interval '3 days'")


async def _recover(world: World) -> None:
    await world.make_due()
    await world.engine.recovery.recover_batch()


@pytest.mark.parametrize("comes_through", [True, False])
async def test_a_payment_pending_for_days_is_looked_up_by_its_provider_reference(
    world: World,
    provider: str,
    comes_through: bool,  # noqa: FBT001 - a case
) -> None:
    wallet = await world.wallet()
    payment = await _begin(world, provider, wallet)
    assert payment["status"] == "processing"
    assert payment["provider_reference"] is not None
    for _ in range(3):
        await _recover(world)
    await _forget_keys(world)
    await _recover(world)
    assert (await world.payment(payment["id"]))["status"] == "processing"
    await world.site(provider).pull((COMPLETE if comes_through else FAIL)[provider], payment)
    await _recover(world)
    found = await world.payment(payment["id"])
    assert found["status"] == ("succeeded" if comes_through else "requires_payment_method")
    assert await world.balance(wallet) == (1050 if comes_through else 0)
    assert len(await world.site(provider).charges()) == comes_through


async def test_a_webhook_without_a_final_fact_brings_the_provider_reference(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    await world.site(provider).set_faults(answer="cut_after")
    payment = await _begin(world, provider, wallet)
    await world.site(provider).set_faults()
    assert (payment["status"], payment["provider_reference"]) == ("processing", None)
    mail = await world.posted_mail(TELLS[provider])
    await world.deliver_all(mail)
    await world.drain()
    payment = await world.payment(payment["id"])
    assert payment["provider_reference"] is not None
    assert [row[1:3] for row in await world.inbox()] == [("processed", None)]
    await world.deliver_all(mail)
    await _forget_keys(world)
    await world.site(provider).pull(COMPLETE[provider], payment)
    await _recover(world)
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert await world.balance(wallet) == 1050
