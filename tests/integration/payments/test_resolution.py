"""An operator sees what nobody knows, and settles it by hand with a reason."""

from __future__ import annotations

import asyncio
import json

import pytest

from groat.app.operators import operator
from groat.kernel import ids
from tests.support.pages import pages
from tests.support.world import Payment, World, without_answers


@pytest.fixture
async def payment(world: World) -> Payment:
    """A payment into a wallet of its own, of which nobody knows how it ended."""
    async with without_answers(world):
        return await world.pay(await world.wallet())


def named(world: World, payment: Payment, *rest: str) -> list[str]:
    operation = payment["operations"][-1]["id"]
    return [ids.render_merchant(world.merchant_id), operation, *rest, "--reason", "I looked"]


async def test_an_unknown_operation_is_listed_with_its_reason(
    world: World, payment: Payment
) -> None:
    shown, listed = await asyncio.gather(
        world.groat("payments", "unknown"), world.groat("payments", "unknown", "--json")
    )
    assert payment["id"] in shown.stdout
    [one] = json.loads(listed.stdout)
    assert (one["payment"], one["outcome"]) == (payment["id"], "unknown")
    assert (one["operation"], one["kind"]) == (payment["operations"][0]["id"], "authorize")
    assert one["reason"]
    assert one["next_lookup"] > one["since"]


async def test_an_operator_resolves_an_operation_as_succeeded_once(
    world: World, payment: Payment
) -> None:
    [charge] = await world.stripe.charges()
    arguments = named(world, payment, "succeeded", "--reference", charge["id"])
    settled = await world.groat("payments", "resolve", *arguments)
    assert json.loads(settled.stdout)["status"] == "succeeded"
    again = await world.groat("payments", "resolve", *arguments)
    assert (again.returncode, again.stderr[:28]) == (2, "Error (operation_not_open): ")
    await world.deliver_all(await world.posted_mail())
    await world.drain()
    assert await world.balance(payment["beneficiary"]) == 1050
    story = await pages(world.api, "/v1/audit-records", object=payment["id"])
    assert [(event["action"], event["actor"]) for event in story][:1] == [
        ("payment.captured", f"operator:{operator().name}")
    ]
    assert json.loads((await world.groat("payments", "unknown", "--json")).stdout) == []


async def test_a_capture_after_a_resolution_as_failed_is_quarantined(
    world: World, payment: Payment
) -> None:
    settled = json.loads(
        (await world.groat("payments", "resolve", *named(world, payment, "failed"))).stdout
    )
    assert settled["status"] == "requires_payment_method"
    assert settled["failure_code"] == "resolved_by_operator"
    await world.deliver_all(await world.posted_mail())
    await world.drain()
    assert await world.balance(payment["beneficiary"]) == 0
    assert {row[1] for row in await world.inbox() if row[0] == "charge.succeeded"} == {"dead"}


async def test_a_resolution_as_succeeded_needs_a_provider_reference(
    world: World, payment: Payment
) -> None:
    refused = await world.groat("payments", "resolve", *named(world, payment, "succeeded"))
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error (invalid_resolution): ")
    assert (await world.payment(payment["id"]))["status"] == "processing"


@pytest.mark.parametrize(
    ("command", "found", "status"),
    [
        ("capture", ("succeeded", "--reference", "ch_seen"), "succeeded"),
        ("capture", ("failed",), "authorized"),
        ("cancel", ("succeeded",), "canceled"),
        ("cancel", ("failed",), "authorized"),
    ],
)
async def test_an_operator_resolves_a_capture_or_cancellation(
    world: World, command: str, found: tuple[str, ...], status: str
) -> None:
    reserved = await world.reserve(await world.wallet())
    async with without_answers(world):
        asked = await world.command(reserved, command)
    assert asked["operations"][-1]["outcome"] == "unknown"
    settled = await world.groat("payments", "resolve", *named(world, asked, *found))
    assert json.loads(settled.stdout)["status"] == status
    assert await world.balance(reserved["beneficiary"]) == 1050 * (status == "succeeded")


async def test_an_operator_resolves_a_refund(world: World) -> None:
    paid = await world.pay(await world.wallet())
    for found, refunded in ((("failed",), 0), (("succeeded", "--reference", "re_seen"), 400)):
        async with without_answers(world):
            assert (await world.refund(paid, amount=400))["status"] == "pending"
        await world.stripe.set_faults()
        asked = await world.payment(paid["id"])
        settled = await world.groat("payments", "resolve", *named(world, asked, *found))
        shown = json.loads(settled.stdout)
        assert (shown["refunded"], shown["refund_pending"]) == (refunded, 0)
    assert await world.balance(paid["beneficiary"]) == 650
