"""Groat as a contestant: ``groat api`` and ``groat worker`` as shipped, with waiting payments."""

from __future__ import annotations

import asyncio
import base64
import secrets
from pathlib import Path

from pydantic import SecretStr

from benchmarks.waiting_payments import CURRENCY, write_payments
from benchmarks.webhooks import events
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.events import Payment
from benchmarks.webhooks.ground import WALLETS, opened
from groat.accounts.domain.chart import wallet
from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.kernel import ids
from groat.kernel.caller import Caller, Operator
from groat.platform.embedded.places import free_port
from groat.platform.embedded.servers import PostgresServer, ValkeyServer
from groat.platform.postgres import schema
from groat.platform.postgres.queries import load_queries
from groat.platform.process.settings import Settings

QUERIES = load_queries(__file__, "groat.sql")

_AT_ONCE = 5000
"""Payments written in one transaction."""

_CALLER = "benchmark"


def prepare(
    postgres: PostgresServer, valkey: ValkeyServer, payments: int, home: Path
) -> tuple[Contestant, list[Payment]]:
    """Create Groat's database with ``payments`` payments; return the contestant and these."""
    settings = Settings(
        _env_file=None,
        home=home,
        database_url=SecretStr(postgres.url),
        redis_url=SecretStr(valkey.url),
        master_key=SecretStr(base64.b64encode(secrets.token_bytes(32)).decode()),
        api_port=free_port(),
    )
    schema.migrate(postgres.url)
    path, made = asyncio.run(_ground(settings, payments))
    contestant = Contestant(
        "groat",
        opened(postgres.url, QUERIES),
        valkey,
        settings.api_port,
        path,
        api=("groat.app.cli", "api"),
        worker=("groat.app.cli", "worker"),
        environment=_environment(settings),
        logs=home,
        share=1.0,
        needs_redis=False,
        holds=lambda: all(finding.ok for finding in verify(settings, lambda _: None)),
    )
    return contestant, made


async def _ground(settings: Settings, payments: int) -> tuple[str, list[Payment]]:
    """Create a merchant, its Stripe account, wallets and payments.

    Return the path of the account's webhooks, and the payments.
    """
    async with open_engine(settings) as engine:
        operator = Operator(_CALLER)
        merchant_id = await engine.merchants.create(operator, "Benchmark")
        credentials = {"api_key": "sk_test_benchmark", "webhook_secret": events.SECRET}
        account_id = await engine.merchants.put_provider_account(
            operator.acting_for(merchant_id), "stripe", "Stripe", credentials
        )
        caller = Caller(merchant_id, _CALLER, _CALLER)
        opened = [
            await engine.accounts.create(caller, wallet(f"wallet:{number}", CURRENCY))
            for number in range(WALLETS)
        ]
        wallets = [account.id for account in opened]
        made: list[Payment] = []
        for first in range(0, payments, _AT_ONCE):
            amounts = list(map(events.amount, range(first, min(first + _AT_ONCE, payments))))
            written = await write_payments(engine, merchant_id, account_id, wallets, amounts)
            made += map(
                Payment, (ids.render("payment", payment_id) for payment_id in written), amounts
            )
    names = (ids.render_merchant(merchant_id), ids.render("provider_account", account_id))
    return "/webhooks/" + "/".join(names), made


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables of Groat's processes. Other settings are the defaults."""
    given = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "MASTER_KEY": settings.master_key,
    }
    variables = {
        f"GROAT_{name}": value.get_secret_value() for name, value in given.items() if value
    }
    return {**variables, "GROAT_API_PORT": str(settings.api_port)}
