"""Events whose provider has to be asked, and takes its time: the others do not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.inbox.domain.event import SUSPECT_AFTER
from groat.inbox.service import drain as draining
from groat.inbox.service.interpreter import CALLS_AT_ONCE
from tests.support.http_servers import running
from tests.support.world import OPERATOR, Mail, World, engine_and_api, without_answers

TOKEN = "/v1/oauth2/token"
PROMPT_SECONDS = 5
"""On a busy machine, and less than a provider is waited for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Stands before a provider, and lets no question through until it is opened."""

    http: httpx.AsyncClient
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def forward(self, request: Request) -> Response:
        if request.url.path != TOKEN:
            self.asked.put_nowait(request.url.path)
            await self.opened.wait()
        kept = {"authorization", "content-type", "paypal-request-id"}
        answer = await self.http.request(
            request.method,
            request.url.path,
            content=await request.body(),
            headers={name: value for name, value in request.headers.items() if name in kept},
        )
        return Response(answer.content, answer.status_code, media_type="application/json")

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{rest:path}", self.forward, methods=["GET", "POST"])])


@dataclass(frozen=True, slots=True)
class Stalled:
    """A world in which PayPal stalls, and has to be asked about an event that it has delivered.

    ``prompt`` are three of Stripe's that are yet to be delivered.
    """

    world: World
    gate: Gate
    wallet: str
    prompt: list[Mail]


@pytest.fixture
async def stalled(world: World) -> AsyncIterator[Stalled]:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        for _ in range(3):
            await hasty.pay(wallet)
        await hasty.pay(
            wallet, provider_account=world.paypal.account, payment_method="card:vault_visa"
        )
        slow, *prompt = await hasty.posted_mail("PAYMENT.CAPTURE.COMPLETED", "charge.succeeded")
    await world.deliver(slow)
    merchants, gate = world.engine.merchants, Gate(world.paypal.http)
    account = await merchants.provider_account(world.merchant_id, world.paypal.account_id)
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(running(gate.app()))
        await merchants.put_provider_account(
            OPERATOR.acting_for(world.merchant_id),
            "paypal",
            account.name,
            {**account.credentials, "api_base": address},
        )
        engine, api = await stack.enter_async_context(engine_and_api(world.settings, world.api_key))
        yield Stalled(replace(world, engine=engine, api=api), gate, wallet, prompt)


async def test_a_stalled_provider_delays_no_event_of_another(stalled: Stalled) -> None:
    world, drain, wallet = stalled.world, stalled.world.engine.drain, stalled.wallet
    *early, late = stalled.prompt
    await world.deliver_all(early)
    async with asyncio.timeout(PROMPT_SECONDS):
        assert await drain.drain_batch() == 3
        assert await world.balance(wallet) == 2 * 1050
        await world.deliver(late)
        assert await drain.drain_batch() == 1
        assert await world.balance(wallet) == 3 * 1050
    stalled.gate.opened.set()
    await drain.finish()
    assert await world.balance(wallet) == 4 * 1050
    assert {row[1:4] for row in await world.inbox()} == {("processed", None, 1)}


async def test_a_worker_that_waits_for_a_provider_renews_its_claim(
    stalled: Stalled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "_KEEP_SECONDS", 0.05)
    world, drain = stalled.world, stalled.world.engine.drain
    assert await drain.drain_batch() == 1
    lease = "select claimed_until from provider_event"
    claimed = await world.rows(lease)
    async with asyncio.timeout(PROMPT_SECONDS):
        while await world.rows(lease) == claimed:
            pass
    stalled.gate.opened.set()
    await drain.finish()
    assert {row[1:4] for row in await world.inbox()} == {("processed", None, 1)}


async def test_concurrent_calls_to_a_provider_are_limited(stalled: Stalled) -> None:
    world, drain, gate = stalled.world, stalled.world.engine.drain, stalled.gate
    await world.rows(
        """
        insert into provider_event (
            merchant_id, id, provider_account_id, provider_reference, event_type, body, status,
            due_at, received_at
        )
        select
            merchant_id, gen_random_uuid(), provider_account_id, provider_reference || number,
            event_type, body, status, due_at, received_at
        from provider_event, generate_series(2, %s) as number
        """,
        2 * CALLS_AT_ONCE,
    )
    assert await drain.drain_batch() == 2 * CALLS_AT_ONCE
    async with asyncio.timeout(PROMPT_SECONDS):
        for _ in range(CALLS_AT_ONCE):
            await gate.asked.get()
    await world.deliver_all(stalled.prompt)
    async with asyncio.timeout(PROMPT_SECONDS):
        assert await drain.drain_batch() == 3  # a further call would have come before these
    assert gate.asked.empty()
    gate.opened.set()
    await drain.finish()
    assert not gate.asked.empty()
    assert {row[1] for row in await world.inbox()} == {"processed"}


async def test_a_stalled_suspect_delays_no_event_of_another(stalled: Stalled) -> None:
    world, drain, wallet = stalled.world, stalled.world.engine.drain, stalled.wallet
    await world.rows("update provider_event set attempts_lost = %s", SUSPECT_AFTER)
    taking = asyncio.create_task(drain.take_suspect())
    while not await world.rows("select from provider_event where claimed_until is not null"):
        assert not taking.done()
    await world.deliver_all(stalled.prompt)
    async with asyncio.timeout(PROMPT_SECONDS):
        assert await drain.drain_batch() == 3
        assert await world.balance(wallet) == 3 * 1050
    stalled.gate.opened.set()
    assert await taking == 1
    await drain.finish()
    assert await world.balance(wallet) == 4 * 1050
