"""Real servers, a database for each test, and a merchant with accounts at both stand-ins."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from groat.app.onboarding import onboard
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.merchants.domain.credentials import ProviderName
from groat.platform.postgres import schema
from groat.platform.process.settings import Settings
from groat.simulator.paypal.app import create_paypal_app
from groat.simulator.stripe.app import create_stripe_app
from tests.support.bank import Bank
from tests.support.databases import Supply, database_like
from tests.support.history import live
from tests.support.http_servers import running, settled
from tests.support.servers import Servers
from tests.support.setting import Setting
from tests.support.world import Mailbox, Site, World, engine_and_api

_MASTER_KEY = base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture(scope="session")
async def setting(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Setting]:
    clock, mailbox = SystemClock(), Mailbox()
    async with AsyncExitStack() as stack:
        simulators: dict[ProviderName, ASGIApp] = {
            "stripe": create_stripe_app(clock),
            "paypal": create_paypal_app(clock),
        }
        bases = {
            name: await stack.enter_async_context(running(app)) for name, app in simulators.items()
        }
        address = await stack.enter_async_context(running(mailbox.app()))
        url = stack.enter_context(database_like(servers.database_url, "template0"))
        schema.migrate(url)
        settings = Settings(
            _env_file=None,
            home=tmp_path_factory.mktemp("home"),
            database_url=SecretStr(url),
            redis_url=SecretStr(servers.redis_url),
            master_key=SecretStr(_MASTER_KEY),
            provider_timeout_seconds=10,
            breaker_failures=1_000_000,  # providers fail all the time here, and share one Redis
        )
        merchant = await onboard(settings, "Test", address, bases)
        databases = Supply(servers.database_url, url.rpartition("/")[2])
        stack.callback(databases.close)
        yield Setting(databases, settings, merchant, mailbox, simulators)


@pytest.fixture
def database_url(setting: Setting) -> Iterator[str]:
    """A database of this test's own, with the schema and the merchant."""
    with setting.databases.one() as url:
        yield url


@pytest.fixture(scope="session")
async def provider_http(setting: Setting) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Clients of the simulators that need no socket, by provider."""
    async with AsyncExitStack() as stack:
        yield {
            site.provider: await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=site.base,
                    transport=httpx.ASGITransport(setting.simulators[site.provider]),
                )
            )
            for site in setting.merchant.sites
        }


@pytest.fixture
def ledger_claims() -> int:
    """The setting of the same name; tests of both ways of posting have several values."""
    return 1


@asynccontextmanager
async def _opened(
    setting: Setting,
    provider_http: dict[str, httpx.AsyncClient],
    database_url: str,
    ledger_claims: int,
) -> AsyncIterator[World]:
    setting.mailbox.mail.clear()
    merchant = setting.merchant
    sites = {}
    for site in merchant.sites:
        http = provider_http[site.provider]
        account = ids.render("provider_account", site.account_id)
        sites[site.provider] = await Site.opened(account, http)
    own = {"database_url": SecretStr(database_url), "ledger_claims": ledger_claims}
    settings = setting.settings.model_copy(update=own)
    async with engine_and_api(settings, merchant.api_key) as (engine, api):
        yield World(
            settings,
            engine,
            api,
            merchant.merchant_id,
            sites["stripe"],
            sites["paypal"],
            setting.mailbox,
            database_url,
        )
    for http in provider_http.values():
        await settled(http)


@pytest.fixture
async def world(
    database_url: str,
    setting: Setting,
    provider_http: dict[str, httpx.AsyncClient],
    ledger_claims: int,
) -> AsyncIterator[World]:
    async with _opened(setting, provider_http, database_url, ledger_claims) as world:
        yield world


@pytest.fixture(scope="module")
async def shared_world(
    setting: Setting, provider_http: dict[str, httpx.AsyncClient]
) -> AsyncIterator[World]:
    """One world for the tests of a file whose requests are refused: they see that it stays."""
    with setting.databases.one() as url:
        async with _opened(setting, provider_http, url, ledger_claims=1) as world:
            yield world


@pytest.fixture(scope="module")
async def shared_wallet(shared_world: World) -> str:
    return await shared_world.wallet()


@pytest.fixture(scope="module")
async def shared_bank(shared_world: World) -> Bank:
    """Wallets in the shared world. Alice has 1000, unless a test gives her more."""
    bank = await Bank.opened(shared_world)
    await bank.fill(bank.alice, 1000)
    return bank


@pytest.fixture
async def lived_in(world: World) -> World:
    """A world with a past: payments of every kind, applied webhooks, transfers and holds."""
    await live(world)
    return world


@pytest.fixture
async def bank(world: World) -> Bank:
    return await Bank.opened(world)
