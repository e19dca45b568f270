"""A currency that ISO 4217 has withdrawn: what was taken in it stays readable and refundable."""

from __future__ import annotations

import pytest

from groat.accounts.domain.chart import AccountSpec
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.money import Money
from groat.payments.domain.payment import PaymentOrder, PaymentTerms
from groat.routing.domain.route import Route
from tests.support.payments import PROVIDERS
from tests.support.soundness import assert_sound
from tests.support.world import GOOD, Payment, World, without_answers

BGN = "BGN"
"""The lev, until Bulgaria took the euro at the end of 2025."""


async def _wallet(world: World) -> str:
    """Return a wallet that was opened while ISO 4217 had the currency."""
    spec = AccountSpec("wallet:sofia", BGN, "credit", floor=0)
    opened = await world.engine.accounts.create(_caller(world), spec)
    return ids.render("account", opened.id)


async def _pay(world: World, wallet: str, provider: str, method: str | None = None) -> Payment:
    """Take a payment as it was taken while ISO 4217 had the currency."""
    order = PaymentOrder(
        PaymentTerms(Money(1050, BGN), ids.AccountId(ids.parse("account", wallet)), "order-1"),
        Route.direct(world.site(provider).account_id, method or GOOD[provider]),
    )
    taken = await world.engine.payments.create(_caller(world), order)
    return await world.payment(ids.render("payment", taken.payment.id))


def _caller(world: World) -> Caller:
    return Caller(world.merchant_id, "test", "req_1")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_payment_in_a_withdrawn_currency_can_be_read_and_refunded(
    world: World, provider: str
) -> None:
    wallet = await _wallet(world)
    payment = await _pay(world, wallet, provider)
    assert (payment["status"], payment["currency"], payment["amount"]) == ("succeeded", BGN, 1050)
    listed = (await world.api.get("/v1/payments")).json()["data"]
    assert [one["id"] for one in listed] == [payment["id"]]
    assert (await world.refund(payment, amount=400))["status"] == "succeeded"
    await world.settle()
    assert await world.balance(wallet) == 650
    statement = await world.api.get(f"/v1/accounts/{wallet}/entries")
    assert statement.status_code == 200
    assert (await world.groat("accounts", "list", ids.render_merchant(world.merchant_id))).stdout
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_events_in_a_withdrawn_currency_apply(world: World, provider: str) -> None:
    wallet = await _wallet(world)
    method = {"stripe": "pm_card_createDispute", "paypal": "card:vault_dispute"}[provider]
    async with without_answers(world) as hasty:
        payment = await _pay(hasty, wallet, provider, method)
    await world.site(provider).set_faults()
    await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == "succeeded"
    await world.site(provider).pull("dispute_lost", found)
    await world.settle()
    assert {row[1] for row in await world.inbox()} <= {"processed", "ignored", "superseded"}
    # PayPal's transaction search says what a dispute took, Stripe's event itself.
    assert await world.balance(wallet) == (0 if provider == "stripe" else 1050)
    await assert_sound(world)


async def test_a_wallet_in_a_withdrawn_currency_can_be_emptied(world: World) -> None:
    wallet = await _wallet(world)
    await _pay(world, wallet, "stripe")
    spec = AccountSpec("wallet:plovdiv", BGN, "credit", floor=0)
    other = await world.engine.accounts.create(_caller(world), spec)
    transfer = {
        "reference": "out",
        "debit_account": wallet,
        "credit_account": ids.render("account", other.id),
        "amount": 1050,
        "currency": BGN,
    }
    answer = await world.ask("transfers", transfer)
    assert answer.status_code == 201, answer.text
    assert await world.balance(wallet) == 0


async def test_no_new_payment_or_account_has_a_withdrawn_currency(world: World) -> None:
    wallet = await _wallet(world)
    before = await world.counts()
    payment = await world.ask("payments", world.order(wallet, currency=BGN))
    account = await world.ask("accounts", {"code": "wallet:varna", "currency": BGN})
    for answer in (payment, account):
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_currency")
        assert BGN in answer.json()["detail"]
    assert await world.counts() == before
