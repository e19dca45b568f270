"""A merchant's receiver of webhooks on a real port, which verifies with the published packages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import standardwebhooks
import svix.webhooks
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.feed import place_all
from tests.support.http_servers import running
from tests.support.world import World, engine_and_api


@dataclass(frozen=True)
class Arrived:
    """A webhook as it arrived."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    def verify(self, secret: str) -> None:
        """Verify the signature with both packages; raise if one of them refuses it."""
        text = self.body.decode()
        standardwebhooks.Webhook(secret).verify(text, dict(self.headers))
        svix.webhooks.Webhook(secret).verify(text, dict(self.headers))


@dataclass
class Receiver:
    """Keeps every webhook, and answers with the next of ``answers``, then with 200.

    While ``open`` is not set, it does not answer.
    """

    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 200

    async def receive(self, request: Request) -> Response:
        self.arrived.append(Arrived(dict(request.headers), await request.body()))
        await self.open.wait()
        return self.answers.pop(0) if self.answers else Response(status_code=self.status)

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.arrived]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Yield a receiver that answers 200."""
    receiver = Receiver()
    receiver.open.set()
    app = Starlette(routes=[Route("/hook", receiver.receive, methods=["GET", "POST"])])
    async with running(app) as address:
        receiver.url = f"{address}/hook"
        yield receiver
        receiver.open.set()


@asynccontextmanager
async def with_private_targets(world: World) -> AsyncIterator[World]:
    """Yield the world with an engine that may deliver to this machine."""
    settings = world.settings.model_copy(update={"allow_private_targets": True})
    async with engine_and_api(settings, world.api_key) as (engine, api):
        yield replace(world, engine=engine, api=api)


async def add_endpoint(world: World, url: str, *types: str) -> dict[str, Any]:
    """Create an endpoint; return it with its secret."""
    body: dict[str, object] = {"url": url, **({"types": list(types)} if types else {})}
    answer = await world.ask("webhook-endpoints", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def send_all(world: World) -> None:
    """Place all events, and send all due deliveries, one after the other for each object."""
    await place_all(world)
    while await world.engine.sender.send_batch():
        await world.engine.sender.quiet()


async def pass_time(world: World, interval: str) -> None:
    """Let time pass for deliveries, their endpoints and their leases."""
    await world.rows(
        "update delivery set due_at = due_at - %s::interval, since = since - %s::interval,"
        " claimed_until = claimed_until - %s::interval where settled_at is null",
        *(interval,) * 3,
    )
    await world.rows(
        "update webhook_endpoint set failing_since = failing_since - %s::interval", interval
    )
