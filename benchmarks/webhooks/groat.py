"""Groat as shipped, ``groat api`` and ``groat worker``, and payments that wait for an answer."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from benchmarks.webhooks import events
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.events import Payment
from benchmarks.webhooks.ground import WALLETS, opened
from groat.accounts.domain.chart import wallet
from groat.app.verify import verify
from groat.app.wiring import Engine, open_engine
from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import SystemClock
from groat.kernel.ids import AccountId, MerchantId, PaymentId, ProviderAccountId
from groat.platform import schema
from groat.platform.columns import Bigints, Uuids
from groat.platform.embedded import PostgresServer, ValkeyServer
from groat.platform.embedded_places import free_port
from groat.platform.queries import load_queries
from groat.platform.settings import Settings

QUERIES = load_queries(__file__, "groat.sql")

_AT_ONCE = 5000
_CALLER = "benchmark"


def prepare(
    postgres: PostgresServer, valkey: ValkeyServer, payments: int, home: Path
) -> tuple[Contestant, list[Payment]]:
    """Make Groat's database with so many payments, and return who contests, and over what."""
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
    """Make a merchant with an account at Stripe, wallets, and payments; return where events go."""
    async with open_engine(settings) as engine:
        merchant_id = await engine.merchants.create("Benchmark")
        credentials = {"api_key": "sk_test_benchmark", "webhook_secret": events.SECRET}
        account_id = await engine.merchants.put_provider_account(
            merchant_id, "stripe", "Stripe", credentials
        )
        caller = Caller(merchant_id, _CALLER, _CALLER)
        opened = [
            await engine.accounts.create(caller, wallet(f"wallet:{number}", events.CURRENCY))
            for number in range(WALLETS)
        ]
        maker = _PaymentMaker(engine, merchant_id, account_id, [one.id for one in opened])
        made: list[Payment] = []
        for first in range(0, payments, _AT_ONCE):
            made += await maker.make(range(first, min(first + _AT_ONCE, payments)))
    names = (ids.render_merchant(merchant_id), ids.render("provider_account", account_id))
    return "/webhooks/" + "/".join(names), made


class _PaymentMaker:
    """Makes payments as they are when the answer to the call that charged them was lost."""

    def __init__(
        self,
        engine: Engine,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        wallets: Sequence[AccountId],
    ) -> None:
        self._engine = engine
        self._merchant_id = merchant_id
        self._account_id = account_id
        self._wallets = wallets

    async def make(self, numbers: Sequence[int]) -> list[Payment]:
        """Write the payments of these numbers, with the record of each."""
        now = SystemClock().now()
        payment_ids = [PaymentId(ids.uuid7()) for _ in numbers]
        amounts = [events.amount(number) for number in numbers]
        changes = [
            self._created(one, amount) for one, amount in zip(payment_ids, amounts, strict=True)
        ]
        async with self._engine.database.transaction() as connection:
            connection.write(
                QUERIES["insert_payments"], self._columns(numbers, payment_ids, amounts, now)
            )
            self._engine.audit.write(connection, self._merchant_id, changes, now)
        return [
            Payment(ids.render("payment", one), amount)
            for one, amount in zip(payment_ids, amounts, strict=True)
        ]

    def _columns(
        self,
        numbers: Sequence[int],
        payment_ids: Sequence[PaymentId],
        amounts: Sequence[int],
        now: datetime,
    ) -> dict[str, object]:
        return {
            "merchant_id": self._merchant_id,
            "provider_account_id": self._account_id,
            "currency": events.CURRENCY,
            "ids": Uuids(payment_ids),
            "amounts": Bigints(amounts),
            "beneficiary_ids": Uuids([self._wallets[number % WALLETS] for number in numbers]),
            "now": now,
        }

    def _created(self, payment_id: PaymentId, amount: int) -> Change:
        data: dict[str, Scalar] = {
            "amount": amount,
            "currency": events.CURRENCY,
            "status": "processing",
        }
        return Change("payment.created", "payment", payment_id, _CALLER, Cause(_CALLER), data)


def _environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give its processes these settings; all others are the defaults."""
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "MASTER_KEY": settings.master_key,
    }
    found = {f"GROAT_{name}": one.get_secret_value() for name, one in told.items() if one}
    return {**found, "GROAT_API_PORT": str(settings.api_port)}
