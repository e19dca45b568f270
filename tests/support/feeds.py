"""A world whose provider accounts are at simulators of their own, and the reading of its feeds."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from groat.app.onboarding import onboard
from groat.kernel import ids
from groat.kernel.clock import Clock, SystemClock
from groat.merchants.domain.credentials import ProviderName
from groat.simulator.paypal.app import create_paypal_app
from groat.simulator.stripe.app import create_stripe_app
from tests.support.http_servers import running
from tests.support.pages import pages
from tests.support.world import Site, World, api_client


@asynccontextmanager
async def fed(
    world: World, paypals_clock: Clock | None = None, stripes_clock: Clock | None = None
) -> AsyncIterator[World]:
    """Yield the world with a new merchant, all of whose movements its feeds can read."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        apps: dict[ProviderName, ASGIApp] = {
            "stripe": create_stripe_app(stripes_clock or clock),
            "paypal": create_paypal_app(paypals_clock or clock),
        }
        bases = {name: await stack.enter_async_context(running(app)) for name, app in apps.items()}
        address = await stack.enter_async_context(running(world.mailbox.app()))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = world.settings.model_copy(update={"home": home})
        merchant = await onboard(settings, "Fed", address, bases)
        sites = {}
        for site in merchant.sites:
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=site.base))
            account = ids.render("provider_account", site.account_id)
            sites[site.provider] = await Site.opened(account, http)
        await world.rows(
            "insert into movement_feed (merchant_id, provider_account_id, starts_at, watermark,"
            " rechecked_at, due_at) select merchant_id, id, now(), now(), now(), 'infinity'"
            " from provider_account"
            " where merchant_id <> %s",
            merchant.merchant_id,
        )
        api = await stack.enter_async_context(api_client(world.engine, merchant.api_key))
        yield replace(
            world,
            api=api,
            merchant_id=merchant.merchant_id,
            stripe=sites["stripe"],
            paypal=sites["paypal"],
        )


async def read_feeds(world: World) -> None:
    """Let a worker read everything that the providers have booked so far."""
    await world.rows("update movement_feed set due_at = now() where due_at <> 'infinity'")
    while await world.engine.movement_feeds.read_batch():
        pass
    reasons = await world.rows("select reason from movement_feed where reason is not null")
    assert reasons == [], reasons


async def act(site: Site, action: str, **parameters: object) -> dict[str, Any]:
    """Let something happen at a provider that has parameters of its own."""
    answer = await site.http.post(f"/_simulator/actions/{action}", json=parameters)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def ours(world: World, site: Site) -> dict[str, int]:
    """Return our account of the money at a provider by currency: provider and reserve together."""
    found: dict[str, int] = {}
    for one in await pages(world.api, "/v1/accounts"):
        purpose, _, rest = one["code"].partition(":")
        if purpose in {"provider", "reserve"} and rest.startswith(site.account):
            found[one["currency"]] = found.get(one["currency"], 0) + one["balance"]
    return {currency: amount for currency, amount in found.items() if amount}


async def theirs(site: Site) -> dict[str, int]:
    """Return the balance of the provider itself by currency, from the simulator's own books."""
    balances = (await site.http.get("/_simulator/balances")).json()["balances"]
    return {one["currency"]: one["total"] for one in balances if one["total"]}


async def accounts(world: World, *purposes: str) -> dict[str, int]:
    """Return the balances of engine accounts with these purposes that are not zero."""
    return {
        one["code"].partition(":")[0]: one["balance"]
        for one in await pages(world.api, "/v1/accounts")
        if one["code"].partition(":")[0] in purposes and one["balance"]
    }
