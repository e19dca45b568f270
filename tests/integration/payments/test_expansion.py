"""A payment shows its refunds and disputes on request, as their own routes show them."""

from __future__ import annotations

import pytest

from tests.support.world import World


@pytest.fixture
async def path(world: World) -> str:
    """The path of a payment with a refund and a dispute, beside another payment with a refund."""
    wallet = await world.wallet()
    payment, other = await world.pay(wallet), await world.pay(wallet)
    for one in (payment, other):
        await world.refund(one, amount=100)
    await world.stripe.pull("dispute", payment)
    await world.settle()
    return f"/v1/payments/{payment['id']}"


async def test_a_payment_shows_its_refunds_and_disputes_if_asked(world: World, path: str) -> None:
    plain = (await world.api.get(path)).json()
    assert not plain.keys() & {"refunds", "disputes"}
    query = {"payment": plain["id"]}
    refunds = (await world.api.get("/v1/refunds", params=query)).json()["data"]
    disputes = (await world.api.get("/v1/disputes", params=query)).json()["data"]
    assert (len(refunds), len(disputes)) == (1, 1)
    both = await world.api.get(path, params={"expand[]": ["refunds", "disputes"]})
    assert both.json() == plain | {"refunds": refunds, "disputes": disputes}
    one = await world.api.get(path, params={"expand[]": "disputes"})
    assert one.json() == plain | {"disputes": disputes}


@pytest.mark.parametrize(
    ("name", "value", "status", "code"),
    [
        ("expand[]", "customer", 422, "invalid_request"),
        ("expand", "refunds", 400, "unknown_parameter"),
    ],
)
async def test_other_expansions_are_refused(
    world: World, path: str, name: str, value: str, status: int, code: str
) -> None:
    answer = await world.api.get(path, params={name: value})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
