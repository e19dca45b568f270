"""An operator sees what nobody knows, and settles it by hand with a reason."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from groat.kernel import ids
from tests.integration.app.test_pages import pages
from tests.integration.world import World, without_answers


@pytest.fixture
async def payment(world: World) -> dict[str, Any]:
    """A payment into a wallet of its own, of which nobody knows how it ended."""
    async with without_answers(world):
        return await world.pay(await world.wallet())


def named(world: World, payment: dict[str, Any], *rest: str) -> list[str]:
    return [ids.render_merchant(world.merchant_id), payment["id"], *rest, "--reason", "I looked"]


async def test_what_is_unknown_is_listed_with_its_reason(
    world: World, payment: dict[str, Any]
) -> None:
    shown, listed = await asyncio.gather(
        world.groat("payments", "unknown"), world.groat("payments", "unknown", "--json")
    )
    assert payment["id"] in shown.stdout
    [one] = json.loads(listed.stdout)
    assert (one["payment"], one["outcome"]) == (payment["id"], "unknown")
    assert one["reason"]
    assert one["next_lookup"] > one["since"]


async def test_it_is_settled_as_captured_once(world: World, payment: dict[str, Any]) -> None:
    [charge] = await world.stripe.charges()
    arguments = named(world, payment, "captured", "--reference", charge["id"])
    settled = await world.groat("payments", "resolve", *arguments)
    assert json.loads(settled.stdout)["status"] == "succeeded"
    again = await world.groat("payments", "resolve", *arguments)
    assert (again.returncode, again.stderr[:20]) == (2, "Error (already_so): ")
    await world.deliver_all(await world.posted_mail())
    await world.engine.drain.drain_batch()
    assert await world.balance(payment["beneficiary"]) == 1050
    story = await pages(world.api, "/v1/events", object=payment["id"])
    assert [(event["action"], event["actor"]) for event in story][:1] == [
        ("payment.captured", "operator")
    ]
    assert json.loads((await world.groat("payments", "unknown", "--json")).stdout) == []


async def test_it_is_settled_as_failed_and_a_late_capture_is_set_aside(
    world: World, payment: dict[str, Any]
) -> None:
    settled = json.loads(
        (await world.groat("payments", "resolve", *named(world, payment, "failed"))).stdout
    )
    assert (settled["status"], settled["failure_code"]) == ("failed", "resolved_by_operator")
    await world.deliver_all(await world.posted_mail())
    await world.engine.drain.drain_batch()
    assert await world.balance(payment["beneficiary"]) == 0
    assert {row[1] for row in await world.inbox() if row[0] == "charge.succeeded"} == {"dead"}


@pytest.mark.parametrize("rest", [("captured",), ("failed", "--reference", "ch_1")])
async def test_half_a_resolution_is_refused(
    world: World, payment: dict[str, Any], rest: tuple[str, ...]
) -> None:
    refused = await world.groat("payments", "resolve", *named(world, payment, *rest))
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error (invalid_resolution): ")
    assert (await world.payment(payment["id"]))["status"] == "processing"
