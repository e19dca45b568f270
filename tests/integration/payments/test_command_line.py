"""``groat payments``: an operator finds payments, and reads all of one."""

from __future__ import annotations

import asyncio
import json

import pytest

from groat.kernel import ids
from tests.support.webhook_receiver import with_private_targets
from tests.support.world import BAD_STRIPE, World

NARROW = "60"
"""Columns of a terminal that is narrower than any row."""

NOWHERE = "http://127.0.0.1:9/hook"
"""The URL of an endpoint that takes no events."""

KINDS = ("operation", "outcome", "provider event", "ledger", "audit record", "event")


@pytest.fixture
def merchant(world: World) -> str:
    return ids.render_merchant(world.merchant_id)


async def test_payments_are_listed_by_each_filter(world: World, merchant: str) -> None:
    wallet = await world.wallet()
    declined = await world.pay(wallet, payment_method=BAD_STRIPE, amount=700)
    paid = await world.pay(wallet, reference="order-7")

    async def listed(*filters: str) -> list[str]:
        shown = await world.groat("payments", "list", merchant, *filters, "--json")
        assert shown.returncode == 0, shown.stderr
        return [one["id"] for one in json.loads(shown.stdout)]

    found = await asyncio.gather(
        listed(),
        listed("--limit", "1"),
        listed("--status", "succeeded"),
        listed("--reference", "order-7"),
        listed("--provider-reference", paid["provider_reference"]),
        listed("--amount", "7.00", "--currency", "EUR"),
        listed("--provider", "paypal"),
        listed("--since", "1h", "--until", "2000-01-01"),
    )
    assert found[0] == [paid["id"], declined["id"]]
    assert found[1:5] == [[paid["id"]]] * 4
    assert found[5:] == [[declined["id"]], [], []]


async def test_an_amount_needs_its_currency(world: World, merchant: str) -> None:
    refused = await world.groat("payments", "list", merchant, "--amount", "7.00")
    assert refused.returncode == 2
    assert "--currency" in refused.stderr


async def test_a_narrow_terminal_cuts_no_id(world: World, merchant: str) -> None:
    paid = await world.pay(await world.wallet(), reference="order-with-a-long-name-" + 40 * "7")
    refund = await world.refund(paid, amount=400)
    variables = {**world.variables, "COLUMNS": NARROW}
    listed, shown = await asyncio.gather(
        world.groat("payments", "list", merchant, **variables),
        world.groat("payments", "show", merchant, paid["id"], **variables),
    )
    for text in (paid["id"], paid["provider_reference"], paid["reference"], "10.50 EUR", "(UTC)"):
        assert text in listed.stdout
    operations = [one["id"] for one in (await world.payment(paid["id"]))["operations"]]
    for text in (paid["id"], paid["beneficiary"], refund["id"], "4.00 EUR", *operations):
        assert text in shown.stdout


async def test_a_payment_is_shown_with_its_refunds_and_disputes(
    world: World, merchant: str
) -> None:
    paid = await world.pay(await world.wallet())
    refund = await world.refund(paid, amount=400)
    await world.stripe.pull("dispute", paid)
    await world.settle()
    shown = json.loads(
        (await world.groat("payments", "show", merchant, paid["id"], "--json")).stdout
    )
    assert [one["id"] for one in shown["refunds"]] == [refund["id"]]
    [dispute] = shown["disputes"]
    assert dispute["payment"] == paid["id"]
    assert [one["kind"] for one in shown["operations"]] == ["authorize", "refund"]
    assert dispute["id"] in (await world.groat("payments", "show", merchant, paid["id"])).stdout


async def test_a_timeline_merges_all_that_happened_to_a_payment(
    world: World, merchant: str
) -> None:
    async with with_private_targets(world) as hooked:
        endpoint = await hooked.ask("webhook-endpoints", {"url": NOWHERE, "types": ["*"]})
    assert endpoint.status_code == 201, endpoint.text
    paid = await world.pay(await world.wallet())
    await world.refund(paid, amount=400)
    await world.stripe.pull("dispute", paid)
    await world.settle()
    await world.engine.sequencer.place_batch()
    shown, listed = await asyncio.gather(
        world.groat("payments", "timeline", merchant, paid["id"]),
        world.groat("payments", "timeline", merchant, paid["id"], "--json"),
    )
    lines = json.loads(listed.stdout)
    assert [one["at"] for one in lines] == sorted(one["at"] for one in lines)
    texts = {kind: "\n".join(one["text"] for one in lines if one["kind"] == kind) for kind in KINDS}
    assert "authorize of 10.50 EUR is asked of pac_" in texts["operation"]
    assert "refund succeeded" in texts["outcome"]
    assert "it caused payment.dispute_opened" in texts["provider event"]
    assert "wallet:alice +10.50 EUR" in texts["ledger"]
    assert "wallet:alice -4.00 EUR" in texts["ledger"]
    assert "payment.refunded by " in texts["audit record"]
    assert "refund.succeeded: pending to wep_" in texts["event"]
    assert {one["kind"] for one in lines} == set(KINDS)
    assert all(one["id"] in shown.stdout for one in lines)


async def test_refunds_and_disputes_are_listed_and_shown(world: World, merchant: str) -> None:
    paid = await world.pay(await world.wallet())
    refund = await world.refund(paid, amount=400)
    await world.stripe.pull("dispute", paid)
    await world.settle()
    [dispute] = (await world.api.get("/v1/disputes")).json()["data"]
    for noun, one, amount in (("refunds", refund, "4.00 EUR"), ("disputes", dispute, "6.50 EUR")):
        table, shown = await asyncio.gather(
            world.groat(noun, "list", merchant, "--payment", paid["id"]),
            world.groat(noun, "show", merchant, one["id"], "--json"),
        )
        assert one["id"] in table.stdout
        assert amount in table.stdout
        assert json.loads(shown.stdout)["id"] == one["id"]
