"""Every list goes on only from a cursor that it handed out itself, to the same merchant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from groat.kernel import ids
from tests.integration.app.routes import Operation, operations
from tests.support.bank import Bank
from tests.support.feed import place_all
from tests.support.world import OPERATOR, World, api_client

CRAFTED = [
    "abc",
    "é",
    "0",
    "=" * 8,
    "x" * 5000,
    ids.render("payment", ids.uuid7()),
    "2026-11-28T10:00:00Z",
    "9999-12-31T23:59:59.999999+00:00",
    "0001-01-01T00:00:00-14:00",
]


@pytest.fixture
async def full(bank: Bank) -> Bank:
    """A bank of which every list has several pages of one."""
    world = bank.world
    await bank.fill(bank.alice, 1000)
    for _ in range(2):
        await world.ask("webhook-endpoints", {"url": "https://1.1.1.1/"})  # nothing is sent there
    for _ in range(3):
        await bank.transfer()
        await bank.hold()
        payment = await world.pay(bank.alice)
        await world.refund(payment, amount=100)
        await world.stripe.pull("dispute", payment)
    await world.settle()
    await place_all(world)
    return bank


def lists() -> list[Operation]:
    """Return every operation that takes a cursor."""
    return [one for one in operations() if "cursor" in {*one.query, *one.fields}]


async def ask(
    api: httpx.AsyncClient, operation: Operation, path: str, cursor: str | None
) -> httpx.Response:
    given = {} if cursor is None else {"cursor": cursor}
    if operation.method == "GET":
        return await api.get(path, params={"limit": 1, **given})
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    fields = {"since": since} if "since" in operation.fields else {"type": "charge.succeeded"}
    return await api.post(path, json={**fields, "dry_run": True, **given})


async def subjects(bank: Bank) -> Mapping[str, list[str]]:
    """Return two ids for each name that stands in a path."""
    payments = (await bank.world.api.get("/v1/payments")).json()["data"]
    endpoints = (await bank.world.api.get("/v1/webhook-endpoints")).json()["data"]
    return {
        "account_id": [bank.alice, bank.bob],
        "payment_id": [one["id"] for one in payments],
        "endpoint_id": [one["id"] for one in endpoints],
        "provider_account": [bank.world.stripe.account, bank.world.paypal.account],
    }


def paths(operation: Operation, named: Mapping[str, list[str]]) -> list[str]:
    kind = "provider_account" if "provider-accounts" in operation.path else "account_id"
    return [
        operation.path.format(account_id=account, payment_id=payment, endpoint_id=endpoint)
        for account, payment, endpoint in zip(
            named[kind], named["payment_id"], named["endpoint_id"], strict=False
        )
    ]


@pytest.fixture
async def stranger(world: World) -> AsyncIterator[httpx.AsyncClient]:
    merchant_id = await world.engine.merchants.create(OPERATOR, "Stranger")
    key, _ = await world.engine.api_keys.create(OPERATOR.acting_for(merchant_id))
    async with api_client(world.engine, str(key)) as client:
        yield client


def assert_refused(answer: httpx.Response, why: object) -> None:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor"), (
        why,
        answer.text,
    )


async def test_a_crafted_cursor_has_one_code_on_every_list(full: Bank) -> None:
    named = await subjects(full)
    for operation in lists():
        for cursor in CRAFTED:
            path = paths(operation, named)[0]
            assert_refused(await ask(full.world.api, operation, path, cursor), (path, cursor))


async def test_a_cursor_is_valid_only_for_its_list_and_merchant(
    full: Bank, stranger: httpx.AsyncClient
) -> None:
    api, named = full.world.api, await subjects(full)
    handed_out: dict[str, str] = {}
    for operation in lists():
        path = paths(operation, named)[0]
        page: Mapping[str, Any] = (await ask(api, operation, path, None)).json()
        if page["next_cursor"] is not None:
            handed_out[path] = page["next_cursor"]
            more = await ask(api, operation, path, page["next_cursor"])
            assert more.status_code == 200
            assert more.json() != page
    assert len(handed_out) >= 8
    for operation in lists():
        for place, path in enumerate(paths(operation, named)):
            for origin, cursor in handed_out.items():
                if origin != path:
                    assert_refused(await ask(api, operation, path, cursor), (origin, path))
                elif place == 0 and operation.path == path:
                    assert_refused(await ask(stranger, operation, path, cursor), path)
                    altered = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
                    assert_refused(await ask(api, operation, path, altered), path)
