"""Requests of strangers: refused before they cost anything, and with no card number let by."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit

import pytest

from groat.app.api import create_app
from tests.integration.app.routes import operations
from tests.support.bank import Bank
from tests.support.http_servers import running
from tests.support.world import World

MARKS = "\u0301\u0316"
CARD = "4242\u20134242\u20114242\t4242"


@asynccontextmanager
async def served(world: World) -> AsyncIterator[tuple[str, int]]:
    """Serve the world's engine on a real port."""
    async with running(create_app(world.engine)) as address:
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


async def answer_to_head(address: tuple[str, int], head: str) -> bytes:
    """Send a request's head, and nothing of the body it announces; return the answer's head."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(head.encode())
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    finally:
        writer.close()


@pytest.mark.parametrize("authorization", ["", "authorization: Bearer groat_x\r\n"])
async def test_the_body_of_a_caller_without_a_key_is_not_read(
    world: World, authorization: str
) -> None:
    posts = [one.path for one in operations() if one.method in {"POST", "PUT", "PATCH"}]
    async with served(world) as address:
        for path in posts:
            head = (
                f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n{authorization}\r\n"
            )
            answer = await answer_to_head(address, head)
            assert answer.startswith(b"HTTP/1.1 401 "), (path, answer)


async def test_a_text_that_is_costly_to_normalize_is_answered_fast(bank: Bank) -> None:
    body = json.dumps({"transfers": [bank.order(reference=MARKS * 120_000)]}, ensure_ascii=False)
    started = time.monotonic()
    answer = await bank.world.api.post(
        "/v1/transfers/bulk",
        content=body.encode(),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 200
    assert answer.json()["data"][0]["error"]["code"] == "invalid_reference"
    assert time.monotonic() - started < 30


async def test_others_are_served_while_a_large_body_is_inspected(bank: Bank) -> None:
    items = [bank.order(reference="4242424242424241 " * 40) for _ in range(400)]
    large = {"content": json.dumps({"transfers": items}), "headers": {"content-type": "text/json"}}
    api, served_meanwhile = bank.world.api, 0
    asking = asyncio.create_task(api.post("/v1/transfers/bulk", **large))  # type: ignore[arg-type]
    longest = 0.0
    while not asking.done():
        started = time.monotonic()
        assert (await api.get("/healthz")).status_code == 200
        longest = max(longest, time.monotonic() - started)
        served_meanwhile += 1
    assert served_meanwhile > 1
    assert longest < 15


@pytest.mark.parametrize("card", [CARD, "4242__4242__4242__4242", "4242424242424242123"])
async def test_a_card_number_is_refused_in_every_place(bank: Bank, card: str) -> None:
    api = bank.world.api
    before = await bank.world.counts()
    for answer in [
        await bank.transfer(reference=card),
        await api.get("/v1/payments", params={"reference": card}),
        await api.get("/v1/payments", params={"customer": card}),
        await api.get("/v1/payments", params={card: "x"}),
        await api.get(f"/v1/payments/{quote(card)}"),
        await api.post(f"/v1/payments/{quote(card)}/cancel"),
        await api.get("/v1/payments", headers={b"x-customer": card.encode()}),
        await api.get("/v1/payments", headers={b"user-agent": card.encode()}),
        await api.post("/v1/refunds", json={}, headers={b"idempotency-key": card.encode()}),
    ]:
        document = answer.json()
        assert (answer.status_code, document["code"]) == (422, "pan_detected"), document
        assert "4242" not in answer.text
    assert await bank.world.counts() == before


async def test_the_headers_of_ordinary_clients_pass(world: World) -> None:
    headers = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "x-b3-traceid": "80f198ee56343ba864fe8b2a57d3eff7",
        "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
        "x-forwarded-for": "203.0.113.195, 2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.6099.109 Safari/537.36",
        "if-modified-since": "Wed, 21 Oct 2015 07:28:00 GMT",
        "idempotency-key": "550e8400-e29b-41d4-a716-446655440000",
    }
    answer = await world.api.get("/v1/payments", headers=headers)
    assert answer.status_code == 200, answer.text
