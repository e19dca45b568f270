"""Lists, cursors, and other people's things."""

from __future__ import annotations

import pytest

from groat.kernel import ids
from tests.support.pages import pages
from tests.support.world import World


async def test_accounts_are_listed_oldest_first(world: World) -> None:
    opened = [await world.wallet(f"wallet:{n}") for n in range(5)]
    assert [account["id"] for account in await pages(world.api, "/v1/accounts")] == opened


async def test_an_account_code_is_unique(world: World) -> None:
    await world.wallet()
    again = await world.api.post("/v1/accounts", json={"code": "wallet:alice", "currency": "EUR"})
    assert (again.status_code, again.json()["code"]) == (409, "account_code_taken")


async def test_payments_are_listed_newest_first(world: World) -> None:
    wallet = await world.wallet()
    paid = [(await world.pay(wallet))["id"] for _ in range(5)]
    listed = [payment["id"] for payment in await pages(world.api, "/v1/payments")]
    assert listed == paid[::-1]


async def test_a_statement_leads_back_to_a_zero_balance(world: World) -> None:
    wallet = await world.wallet()
    for amount in (1, 20, 300, 4000, 50000):
        await world.pay(wallet, amount=amount)
    lines = await pages(world.api, f"/v1/accounts/{wallet}/entries")
    assert [(line["amount"], line["balance_after"]) for line in lines] == [
        (50000, 54321),
        (4000, 4321),
        (300, 321),
        (20, 21),
        (1, 1),
    ]


async def test_a_provider_account_shows_the_money_at_the_provider(world: World) -> None:
    await world.pay(await world.wallet())
    accounts = (await world.api.get("/v1/accounts")).json()["data"]
    [provider] = [one for one in accounts if one["code"].startswith("provider:")]
    [fees] = [one for one in accounts if one["code"].startswith("fees:")]
    assert (provider["balance"] + fees["balance"], provider["currency"]) == (1050, "EUR")
    assert fees["balance"] > 0


async def test_the_audit_records_of_an_object_tell_its_story(world: World) -> None:
    wallet = await world.wallet()
    payment, other = await world.pay(wallet), await world.pay(wallet)
    story = await pages(world.api, "/v1/audit-records", object=payment["id"])
    assert [event["action"] for event in story] == [
        "payment.captured",
        "payment.authorize_requested",
        "payment.created",
    ]
    assert {event["object"] for event in story} == {payment["id"]}
    everything = [event["object"] for event in await pages(world.api, "/v1/audit-records")]
    assert {payment["id"], other["id"], wallet} <= set(everything)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/payments?cursor=nonsense", 422),
        ("/v1/accounts?cursor=pay_01h455vb4pex5vsknk084sn02q", 422),
        ("/v1/accounts?limit=0", 422),
        ("/v1/payments?limit=101", 422),
        ("/v1/audit-records?object=nonsense", 404),
        ("/v1/nothing", 404),
    ],
)
async def test_invalid_pages_are_answered_with_problem_documents(
    world: World, path: str, status: int
) -> None:
    answer = await world.api.get(path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_id_is_not_found(world: World) -> None:
    missing = ids.render("payment", ids.uuid7())
    answer = await world.api.get(f"/v1/payments/{missing}")
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")
