"""Whatever is asked of a payment that cannot be: a 4xx with its code, and nothing changed."""

from __future__ import annotations

import json

import pytest

from groat.kernel import ids
from tests.support.world import OPERATOR, World, api_client

AMOUNTS: list[tuple[str, int, str]] = [
    ("0", 422, "amount_not_positive"),
    ("-1", 422, "amount_not_positive"),
    ("1.5", 422, "invalid_request"),
    ('"5"', 422, "invalid_request"),
    ("true", 422, "invalid_request"),
    ("NaN", 400, "invalid_json"),
    ("1e400", 400, "invalid_json"),
    ("9007199254740993", 409, ""),
    ("1" * 5000, 400, "invalid_json"),
]


@pytest.mark.parametrize(("amount", "status", "code"), AMOUNTS, ids=lambda one: str(one)[:20])
@pytest.mark.parametrize("command", ["capture", "refund"])
async def test_an_invalid_amount_is_refused(
    shared_world: World, shared_wallet: str, command: str, amount: str, status: int, code: str
) -> None:
    if command == "capture":
        payment = await shared_world.reserve(shared_wallet)
        path, body = f"/v1/payments/{payment['id']}/capture", f'{{"amount": {amount}}}'
    else:
        payment = await shared_world.pay(shared_wallet)
        path, body = "/v1/refunds", f'{{"payment": "{payment["id"]}", "amount": {amount}}}'
    before = await shared_world.counts()
    sent = {"content-type": "application/json"}
    answer = await shared_world.api.post(path, content=body, headers=sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == (code or f"{command}_exceeds_{_whole(command)}")
    assert await shared_world.counts() == before
    assert await shared_world.payment(payment["id"]) == payment


def _whole(command: str) -> str:
    return {"capture": "authorized", "refund": "captured"}[command]


@pytest.mark.parametrize("command", ["confirm", "capture", "cancel", "timeline"])
@pytest.mark.parametrize("payment_id", ["nonsense", "acct_01h455vb4pex5vsknk084sn02q", "new"])
async def test_an_unknown_payment_is_not_found(
    shared_world: World, command: str, payment_id: str
) -> None:
    if payment_id == "new":
        payment_id = ids.render("payment", ids.uuid7())
    call = shared_world.api.get if command == "timeline" else shared_world.api.post
    answer = await call(f"/v1/payments/{payment_id}/{command}")
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")


@pytest.mark.parametrize("kind", ["refund", "dispute"])
async def test_an_unknown_refund_or_dispute_is_not_found(shared_world: World, kind: str) -> None:
    for name in ("nonsense", ids.render(kind, ids.uuid7())):
        answer = await shared_world.api.get(f"/v1/{kind}s/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, f"{kind}_not_found")


async def test_a_payment_of_another_merchant_cannot_be_changed(world: World) -> None:
    payment, reserved = await world.pay(await world.wallet()), None
    reserved = await world.reserve(payment["beneficiary"])
    merchants = world.engine.merchants
    stranger = await merchants.create(OPERATOR, "Stranger")
    key = str((await world.engine.api_keys.create(OPERATOR.acting_for(stranger))).secret)
    before = await world.counts()
    async with api_client(world.engine, key) as client:
        for path in ("capture", "cancel", "confirm"):
            answer = await client.post(f"/v1/payments/{reserved['id']}/{path}")
            assert answer.status_code == 404
        answer = await client.post("/v1/refunds", json={"payment": payment["id"]})
        assert answer.status_code == 404
        for path in (f"refunds?payment={payment['id']}", "disputes", "payments"):
            assert (await client.get(f"/v1/{path}")).json()["data"] == []
    assert await world.counts() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"capture_method": "later"}, "invalid_request"),
        ({"return_url": "javascript:alert(1)"}, "invalid_request"),
        ({"return_url": "https://shop.example/" + "x" * 2100}, "invalid_request"),
        ({"confirm": "yes"}, "invalid_request"),
        ({"refund": 5}, "invalid_request"),
    ],
)
async def test_an_invalid_payment_is_not_created(
    shared_world: World, shared_wallet: str, changes: dict[str, object], code: str
) -> None:
    order = shared_world.order(shared_wallet, **changes)
    before = await shared_world.counts()
    answer = await shared_world.api.post("/v1/payments", json=order)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await shared_world.counts() == before


@pytest.mark.parametrize("path", ["confirm", "cancel", "capture"])
@pytest.mark.parametrize("body", ['{"amount_": 1}', "[]", "5", '{"final": 1}'])
async def test_a_command_with_an_unknown_field_is_refused(
    shared_world: World, shared_wallet: str, path: str, body: str
) -> None:
    payment = await shared_world.reserve(shared_wallet)
    answer = await shared_world.api.post(
        f"/v1/payments/{payment['id']}/{path}",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert (await shared_world.payment(payment["id"]))["status"] == "authorized"


@pytest.mark.parametrize(
    "query",
    ["status=nonsense", "beneficiary=pay_1", "cursor=nonsense", "limit=0", "limit=101"],
)
async def test_a_list_that_cannot_be_is_refused(shared_world: World, query: str) -> None:
    answer = await shared_world.api.get(f"/v1/payments?{query}")
    assert answer.status_code in {404, 422}
    assert answer.json()["code"]


async def test_lists_are_filtered(world: World) -> None:
    wallet, other = await world.wallet(), await world.wallet("wallet:bob")
    first = await world.pay(wallet, reference="order-7")
    second = await world.reserve(other)
    for query, expected in (
        ("status=authorized", [second]),
        ("status=succeeded", [first]),
        (f"beneficiary={other}", [second]),
        ("reference=order-7", [first]),
        ("reference=order-8", []),
    ):
        found = (await world.api.get(f"/v1/payments?{query}")).json()["data"]
        assert [one["id"] for one in found] == [one["id"] for one in expected], query
    assert json.loads((await world.api.get("/v1/refunds?status=pending")).text)["data"] == []


@pytest.mark.parametrize("path", ["payments?reference=%00", "accounts?code=%00", "payments/%00"])
async def test_a_text_that_postgresql_cannot_store_is_refused(
    shared_world: World, path: str
) -> None:
    answer = await shared_world.api.get(f"/v1/{path}")
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"]
