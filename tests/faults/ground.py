"""What the faults happen to: a merchant with wallets, and payments that wait for their answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from benchmarks.waiting_payments import write_payments

from groat.accounts.domain.chart import wallet
from groat.app.verify import verify
from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId
from groat.platform.process.settings import Settings
from tests.faults.stripe_events import SECRET, Event, Payment, signature
from tests.support.world import OPERATOR

_NOBODY = "http://127.0.0.1:9"
_CALLER = "faults"
_WALLETS = 20

_OPEN = """
    select
        event_type, status, reason, attempts, attempts_lost, failures, due_at - now(),
        claimed_until - now(), now() - received_at
    from provider_event where settled_at is null
"""
"""What there is to say of an event that is open and should not be."""

PATIENCE_SECONDS = 120
"""For what is a matter of a second or two on a machine that is not busy."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A merchant and its account at Stripe, which nobody answers for: only webhooks tell."""

    settings: Settings
    merchant_id: MerchantId
    account_id: ProviderAccountId
    wallets: Sequence[AccountId]
    database_url: str

    @property
    def path(self) -> str:
        """Where Stripe delivers."""
        account = ids.render("provider_account", self.account_id)
        return f"/webhooks/{ids.render_merchant(self.merchant_id)}/{account}"

    @property
    def caller(self) -> Caller:
        return Caller(self.merchant_id, _CALLER, _CALLER)

    def told(self, **more: str) -> dict[str, str]:
        """Return the variables that put a process on this ground."""
        secrets = {
            "GROAT_DATABASE_URL": self.settings.database_url,
            "GROAT_REDIS_URL": self.settings.redis_url,
            "GROAT_MASTER_KEY": self.settings.master_key,
        }
        found = {name: one.get_secret_value() for name, one in secrets.items() if one}
        return {**found, **more}

    async def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Read, or write, as the database's superuser."""
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            cursor = await connection.execute(query, values or None)
            return [] if cursor.description is None else await cursor.fetchall()

    async def deliver(self, engine: Engine, events: Sequence[Event]) -> None:
        """Have events received by an engine of this process, all at once."""
        provider = await engine.receiver.provider(self.merchant_id, self.account_id)
        await asyncio.gather(
            *(
                engine.receiver.receive(
                    provider,
                    self.merchant_id,
                    self.account_id,
                    {"stripe-signature": signature(event.body)},
                    event.body,
                )
                for event in events
            )
        )

    async def make_due(self) -> None:
        """Let the time pass that events still have to wait, and leases with it."""
        await self.rows(
            "update provider_event set due_at = now(), "
            "claimed_until = claimed_until - interval '1 hour' where settled_at is null"
        )

    async def settled(self, *, by: float | None = None) -> None:
        """Return once no event is open; fail if any is by then, on the monotonic clock."""
        open_events = "select count(*) from provider_event where settled_at is null"
        try:
            await self.until(open_events, 0, by=by)
        except AssertionError as error:
            for row in await self.rows(_OPEN):
                error.add_note(", ".join(map(str, row)))
            raise

    async def until(self, query: LiteralString, wanted: object, *, by: float | None = None) -> None:
        """Return once ``query`` has ``wanted`` for its one value; fail if it has not by then."""
        limit = time.monotonic() + PATIENCE_SECONDS if by is None else by
        while (found := await self.rows(query)) != [(wanted,)]:
            assert time.monotonic() < limit, (query, found)
            await asyncio.sleep(0.05)

    async def assert_sound(self) -> None:
        """Have the oracle look at everything."""
        findings = await asyncio.to_thread(verify, self.settings, lambda _: None)
        assert {one.name: one.detail for one in findings if not one.ok} == {}


async def prepare(settings: Settings) -> Ground:
    """Make the merchant, its wallets and its account at Stripe."""
    async with open_engine(settings) as engine:
        merchant_id = await engine.merchants.create(OPERATOR, "Faults")
        credentials = {"api_key": "sk_test", "webhook_secret": SECRET, "api_base": _NOBODY}
        account_id = await engine.merchants.put_provider_account(
            OPERATOR.acting_for(merchant_id), "stripe", "Stripe", credentials
        )
        caller = Caller(merchant_id, _CALLER, _CALLER)
        wallets = [
            (await engine.accounts.create(caller, wallet(f"wallet:{number}", "EUR"))).id
            for number in range(_WALLETS)
        ]
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    return Ground(settings, merchant_id, account_id, wallets, url)


async def make_payments(engine: Engine, ground: Ground, count: int) -> list[Payment]:
    """Make payments as they are when the answer to the call that charged them was lost."""
    amounts = [1000 + number % 9000 for number in range(count)]
    written = await write_payments(
        engine, ground.merchant_id, ground.account_id, ground.wallets, amounts
    )
    return [
        Payment(number, ids.render("payment", payment_id), amount)
        for number, (payment_id, amount) in enumerate(zip(written, amounts, strict=True))
    ]
