"""Whatever comes in, the answer is a problem document with a code, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.world import World

CARD = "4242 4242-4242.4242"


@asynccontextmanager
async def nothing_written(world: World) -> AsyncIterator[None]:
    before = await world.counts(), await world.stripe.charges()
    yield
    assert (await world.counts(), await world.stripe.charges()) == before


async def post(world: World, body: bytes, media_type: str = "application/json") -> httpx.Response:
    headers = {"content-type": media_type}
    return await world.api.post("/v1/payments", content=body, headers=headers)


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (answer.status_code, document["code"]) == (status, code), document
    assert document["status"] == status
    assert document["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 0}, 422, "amount_not_positive"),
        ({"amount": -1}, 422, "amount_not_positive"),
        ({"amount": 2**53}, 422, "amount_too_large"),
        ({"amount": 10**4000}, 422, "amount_too_large"),
        ({"amount": 10.5}, 422, "invalid_request"),
        ({"amount": "1050"}, 422, "invalid_request"),
        ({"amount": True}, 422, "invalid_request"),
        ({"amount": None}, 422, "invalid_request"),
        ({"currency": "XYZ"}, 422, "unknown_currency"),
        ({"currency": "eur"}, 422, "unknown_currency"),
        ({"currency": "XAU"}, 422, "unknown_currency"),
        ({"currency": "USD"}, 422, "currency_mismatch"),
        ({"card": "x"}, 422, "invalid_request"),
        ({"payment_method": ""}, 422, "invalid_request"),
        ({"payment_method": CARD}, 422, "pan_detected"),
        ({"reference": f"card {CARD}"}, 422, "pan_detected"),
        ({"metadata": {CARD: "x"}}, 422, "pan_detected"),
        ({"metadata": {"x": CARD}}, 422, "pan_detected"),
        ({"metadata": {"x": ["y"]}}, 422, "invalid_request"),
        ({"reference": "a\0b"}, 422, "unstorable_text"),
        ({"reference": "\ud800"}, 422, "unstorable_text"),
        ({"beneficiary": "nonsense"}, 404, "account_not_found"),
        ({"beneficiary": "acct_01h455vb4pex5vsknk084sn02q"}, 404, "account_not_found"),
        ({"provider_account": "pac_01h455vb4pex5vsknk084sn02q"}, 404, "provider_account_not_found"),
    ],
    ids=range(24),
)
async def test_an_invalid_payment_is_refused(
    shared_world: World, shared_wallet: str, changes: dict[str, object], status: int, code: str
) -> None:
    order = shared_world.order(shared_wallet, **changes)
    async with nothing_written(shared_world):
        answer = await post(shared_world, json.dumps(order).encode())
        assert_refused(answer, status, code)
        assert CARD not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid_request"),
        (b"{", 400, "invalid_json"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"amount": NaN}', 400, "invalid_json"),
        (b'{"amount": 1, "amount": 2}', 400, "invalid_json"),
        (b'{"amount": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
        (b'{"x": "\xff"}', 400, "invalid_json"),
        (b'{"x": ' + b"[" * 60_000, 400, "invalid_json"),
        (b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "invalid_json"),
        (b" " * (64 * 1024 + 1), 413, "body_too_large"),
    ],
    ids=range(11),
)
async def test_bytes_that_are_not_json_are_refused(
    shared_world: World, body: bytes, status: int, code: str
) -> None:
    async with nothing_written(shared_world):
        assert_refused(await post(shared_world, body), status, code)


async def test_another_content_type_is_refused(shared_world: World, shared_wallet: str) -> None:
    order = json.dumps(shared_world.order(shared_wallet)).encode()
    async with nothing_written(shared_world):
        assert_refused(await post(shared_world, order, "text/plain"), 422, "invalid_request")
        form = await post(shared_world, b"amount=1050", "application/x-www-form-urlencoded")
        assert_refused(form, 400, "invalid_json")


async def test_a_payment_into_an_account_of_the_engine_is_refused(world: World) -> None:
    await world.pay(await world.wallet())
    accounts = (await world.api.get("/v1/accounts")).json()["data"]
    mirror = next(one["id"] for one in accounts if one["code"].startswith("provider:"))
    before = await world.counts()
    answer = await world.api.post("/v1/payments", json=world.order(mirror))
    assert_refused(answer, 422, "beneficiary_not_a_wallet")
    assert await world.counts() == before


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"code": "clearing:x", "currency": "EUR"}, "invalid_account_code"),
        ({"code": "Wallet", "currency": "EUR"}, "invalid_account_code"),
        ({"code": "", "currency": "EUR"}, "invalid_account_code"),
        ({"code": "w" * 101, "currency": "EUR"}, "invalid_account_code"),
        ({"code": "wallet:a", "currency": "EURO"}, "unknown_currency"),
        ({"code": "wallet:a"}, "invalid_request"),
    ],
    ids=str,
)
async def test_an_invalid_account_is_refused(
    shared_world: World, account: dict[str, str], code: str
) -> None:
    async with nothing_written(shared_world):
        assert_refused(await shared_world.api.post("/v1/accounts", json=account), 422, code)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer nonsense",
        "Bearer groat_",
        "Bearer groat_01h455vb4pex5vsknk084sn02q_wrong",
        "Basic Z3JvYXQ6Z3JvYXQ=",
    ],
)
async def test_a_request_without_a_valid_key_is_refused(
    shared_world: World, shared_wallet: str, authorization: str
) -> None:
    order = shared_world.order(shared_wallet)
    async with nothing_written(shared_world):
        headers = {"authorization": authorization}
        answer = await shared_world.api.post("/v1/payments", json=order, headers=headers)
        assert_refused(answer, 401, "invalid_api_key")


async def test_a_key_with_a_wrong_secret_is_refused(shared_world: World) -> None:
    wrong = shared_world.api_key[:-1] + ("A" if shared_world.api_key[-1] != "A" else "B")
    answer = await shared_world.api.get(
        "/v1/payments", headers={"authorization": f"Bearer {wrong}"}
    )
    assert_refused(answer, 401, "invalid_api_key")


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
async def test_an_invalid_idempotency_key_is_refused(
    shared_world: World, shared_wallet: str, key: str
) -> None:
    order = shared_world.order(shared_wallet)
    async with nothing_written(shared_world):
        headers = {"idempotency-key": key}
        answer = await shared_world.api.post("/v1/payments", json=order, headers=headers)
        assert_refused(answer, 422, "invalid_request")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)


FIELDS = ("amount", "currency", "beneficiary", "provider_account", "payment_method")


@pytest.fixture
async def wallet(world: World) -> str:
    return await world.wallet()


@given(st.dictionaries(st.sampled_from([*FIELDS, "reference", "metadata", "x"]), VALUES))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_no_body_causes_a_server_error(
    world: World, wallet: str, changes: dict[str, object]
) -> None:
    answer = await post(world, json.dumps({**world.order(wallet), **changes}).encode())
    assert answer.status_code < 500
    assert answer.status_code == 201 or answer.json()["code"]
