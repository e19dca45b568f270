"""One merchant on the real engine, between real servers and the providers' stand-ins.

The stand-ins deliver their webhooks to a mailbox, so that a test decides when, how often and in
which order the engine gets them; they carry the providers' own signatures.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from subprocess import CompletedProcess
from typing import Any, LiteralString, Self, TypeAlias

import httpx
import psycopg
from psycopg import sql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.caller import Operator
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.platform.process.settings import Settings
from groat.simulator.signatures import stripe_signature
from tests.support.contract import assert_documented
from tests.support.http_servers import settled
from tests.support.keyed import give_key_async
from tests.support.processes import groat
from tests.support.shared_api import app_of

OPERATOR = Operator("test")

GOOD_STRIPE, BAD_STRIPE = "pm_card_visa", "pm_card_chargeDeclinedInsufficientFunds"
GOOD_PAYPAL, BAD_PAYPAL = "card:vault_visa", "card:vault_insufficient_funds"

GOOD = {"stripe": GOOD_STRIPE, "paypal": GOOD_PAYPAL}
BAD = {"stripe": BAD_STRIPE, "paypal": BAD_PAYPAL}

Payment: TypeAlias = dict[str, Any]
"""A payment as the API shows it."""

TABLES = (
    "payment",
    "refund",
    "dispute",
    "operation",
    "idempotency_key",
    "account",
    "hold",
    "ledger_transaction",
    "ledger_entry",
    "audit_record",
)
"""What a refused request must leave as it is."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A webhook as a provider sent it."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_type(self) -> str:
        document = json.loads(self.body)
        named: str = document.get("event_type") or document["type"]
        return named


@dataclass(slots=True)
class Mailbox:
    """Accepts every webhook and keeps it."""

    mail: list[Mail] = field(default_factory=list)

    async def receive(self, request: Request) -> Response:
        headers = dict(request.headers)
        self.mail.append(Mail(request.url.path, headers, await request.body()))
        return Response(status_code=200)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{rest:path}", self.receive, methods=["POST"])])


@dataclass(frozen=True, slots=True)
class Site:
    """A provider's stand-in, and the merchant's account there. ``before`` counts older entries."""

    account: str
    http: httpx.AsyncClient
    before: Mapping[str, int]

    @classmethod
    async def opened(cls, account: str, http: httpx.AsyncClient) -> Self:
        """Return the site, without faults and as if nothing had happened there yet."""
        books = await _books(http)
        site = cls(account, http, {name: len(entries) for name, entries in books.items()})
        await site.set_faults()
        return site

    @property
    def account_id(self) -> ProviderAccountId:
        return ProviderAccountId(ids.parse("provider_account", self.account))

    async def charges(self) -> list[dict[str, Any]]:
        """Return what this test has really been charged for, by the provider's own books."""
        return await self.really("charges")

    async def really(self, name: str) -> list[dict[str, Any]]:
        """Return what this test has really brought about: authorizations, charges, refunds ..."""
        entries = (await _books(self.http))[name][self.before[name] :]
        return [entry for entry in entries if entry["status"] == "succeeded"]

    async def pull(self, trigger: str, payment: Mapping[str, Any]) -> None:
        """Let something happen to a payment that no call of ours brings about."""
        subject = {"id": payment["provider_reference"]}
        answer = await self.http.post(f"/_simulator/triggers/{trigger}", json=subject)
        assert answer.status_code == 200, answer.text

    async def set_faults(self, **faults: float | str) -> None:
        answer = await self.http.put("/_simulator/faults", json=faults)
        answer.raise_for_status()


async def _books(http: httpx.AsyncClient) -> dict[str, list[dict[str, Any]]]:
    books: dict[str, Any] = (await http.get("/_simulator/books")).json()
    return {name: entries for name, entries in books.items() if isinstance(entries, list)}


@dataclass(frozen=True, slots=True)
class World:
    """Everything a test of the engine needs."""

    settings: Settings
    engine: Engine
    api: httpx.AsyncClient
    merchant_id: MerchantId
    stripe: Site
    paypal: Site
    mailbox: Mailbox
    database_url: str

    @property
    def variables(self) -> dict[str, str]:
        """What a process has to be told so that it works on this world."""
        key = self.settings.master_key
        assert key is not None
        return {
            "GROAT_DATABASE_URL": self.database_url,
            "GROAT_MASTER_KEY": key.get_secret_value(),
            "COLUMNS": "200",
        }

    async def groat(self, *line: str, **variables: str) -> CompletedProcess[str]:
        """Run ``groat <line>``, with these variables instead of the world's if given."""
        told = variables or self.variables
        return await asyncio.to_thread(groat, self.settings.home, *line, **told)

    def site(self, provider: str) -> Site:
        return {"stripe": self.stripe, "paypal": self.paypal}[provider]

    @property
    def api_key(self) -> str:
        return self.api.headers["authorization"].removeprefix("Bearer ")

    async def wallet(
        self, code: str = "wallet:alice", currency: str = "EUR", floor: int = 0
    ) -> str:
        order = {"code": code, "currency": currency, "floor": floor}
        answer = await self.api.post("/v1/accounts", json=order)
        assert answer.status_code == 201, answer.text
        account: str = answer.json()["id"]
        return account

    def order(self, wallet: str, **changes: object) -> dict[str, object]:
        """Return the body of a request for a good payment at Stripe, with ``changes``."""
        return {
            "amount": 1050,
            "currency": "EUR",
            "beneficiary": wallet,
            "provider_account": self.stripe.account,
            "payment_method": GOOD_STRIPE,
            **changes,
        }

    async def pay(self, wallet: str, **changes: object) -> dict[str, Any]:
        answer = await self.api.post("/v1/payments", json=self.order(wallet, **changes))
        assert answer.status_code == 201, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    async def reserve(self, wallet: str, provider: str = "stripe", **changes: object) -> Payment:
        """Return an authorized payment, to be captured or canceled."""
        payment = await self.pay(
            wallet,
            provider_account=self.site(provider).account,
            capture_method="manual",
            payment_method=GOOD[provider],
            **changes,
        )
        assert payment["status"] == "authorized", payment
        return payment

    async def ask(self, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        """Post ``body`` to ``path`` below ``/v1``, with an idempotency key if given."""
        headers = {} if key is None else {"idempotency-key": key}
        return await self.api.post(f"/v1/{path}", json=body, headers=headers)

    async def command(self, payment: Payment, name: str, body: object = None) -> Payment:
        """Capture, cancel or confirm a payment, and return it as it is then."""
        answer = await self.ask(f"payments/{payment['id']}/{name}", body)
        assert answer.status_code == 200, answer.text
        done: Payment = answer.json()
        return done

    async def refund(self, payment: Payment, **fields: object) -> dict[str, Any]:
        """Refund a payment, and return the refund."""
        answer = await self.ask("refunds", {"payment": payment["id"], **fields})
        assert answer.status_code == 201, answer.text
        refund: dict[str, Any] = answer.json()
        return refund

    async def settle(self) -> None:
        """Hand over all that the providers have sent, and let a worker do all there is to do."""
        await self.deliver_all(await self.posted_mail())
        self.mailbox.mail.clear()
        for _ in range(4):
            await self.make_due()
            await self.drain()
            await self.engine.recovery.recover_batch()

    async def drain(self) -> int:
        """Let a worker do one batch, with all that it asks of providers; return its size."""
        return await drained(self.engine)

    async def payment(self, payment_id: str) -> dict[str, Any]:
        payment: dict[str, Any] = (await self.api.get(f"/v1/payments/{payment_id}")).json()
        return payment

    async def balance(self, account: str) -> int:
        balance: int = (await self.api.get(f"/v1/accounts/{account}")).json()["balance"]
        return balance

    async def posted_mail(self, *event_types: str) -> list[Mail]:
        """Return what the providers have sent so far, in the order of ``event_types`` if given."""
        for site in (self.stripe, self.paypal):
            await settled(site.http)
        if not event_types:
            return list(self.mailbox.mail)
        wanted = [one for one in self.mailbox.mail if one.event_type in event_types]
        return sorted(wanted, key=lambda one: event_types.index(one.event_type))

    async def deliver(self, mail: Mail) -> httpx.Response:
        """Hand a provider's webhook to the engine, as it was sent."""
        headers = {k: v for k, v in mail.headers.items() if k not in {"host", "content-length"}}
        return await self.api.post(mail.path, content=mail.body, headers=headers)

    async def deliver_all(self, mail: Sequence[Mail]) -> None:
        answers = await asyncio.gather(*(self.deliver(one) for one in mail))
        assert {answer.status_code for answer in answers} <= {200}

    @property
    def webhook_path(self) -> str:
        """Where Stripe delivers."""
        return f"/webhooks/{ids.render_merchant(self.merchant_id)}/{self.stripe.account}"

    async def signed(self, event: Mapping[str, object]) -> Mail:
        """Return an event of our own making with Stripe's signature."""
        account = await self.engine.merchants.provider_account(
            self.merchant_id, self.stripe.account_id
        )
        body = json.dumps(event).encode()
        signature = stripe_signature(account.credentials["webhook_secret"], body, int(time.time()))
        return Mail(self.webhook_path, {"stripe-signature": signature}, body)

    async def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Read, or write, as the database's superuser."""
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            cursor = await connection.execute(query, values)
            return [] if cursor.description is None else await cursor.fetchall()

    async def tamper(self, statement: LiteralString, *values: str) -> None:
        """Do what no wall stops: write as an owner of the server who switches the triggers off.

        A value is put at the end of the statement.
        """
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            await connection.execute("set session_replication_role = replica")
            done = await connection.execute(statement + "%s" * len(values), values)
            assert done.rowcount == 1, statement

    async def counts(self) -> dict[str, int]:
        """Return how many rows each of ``TABLES`` has."""
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            found = {}
            for table in TABLES:
                query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
                row = await (await connection.execute(query)).fetchone()
                found[table] = 0 if row is None else int(row[0])
        return found

    @asynccontextmanager
    async def locked(self, statement: LiteralString) -> AsyncIterator[None]:
        """Hold a lock while in the block, as somebody does who is at work."""
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            await connection.execute(statement)
            yield

    async def inbox(self) -> list[tuple[Any, ...]]:
        """Return (event type, status, reason, attempts, deliveries) of each event, oldest first."""
        await self.engine.receiver.close()  # which counts what it has acknowledged
        return await self.rows(
            "select event_type, status, reason, attempts, e.deliveries + coalesce(r.deliveries, 0)"
            " from provider_event e left join provider_event_repetition r"
            " using (merchant_id, provider_account_id, provider_reference) order by id"
        )

    async def make_due(self) -> None:
        """Let the time pass that events and operations still have to wait."""
        await self.rows(
            "update provider_event set due_at = now() - interval '1 s', "
            "claimed_until = claimed_until - interval '1 hour' where settled_at is null"
        )
        await self.rows(
            "update operation set due_at = now() - interval '1 s' "
            "where outcome in ('pending', 'unknown')"
        )


async def drained(engine: Engine) -> int:
    """Let a worker with ``engine`` do one batch, to its end; return its size."""
    events = await engine.drain.drain_batch()
    await engine.drain.finish()
    return events


@asynccontextmanager
async def api_client(engine: Engine, api_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the API of ``engine`` that sends ``api_key``."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(engine)),
        base_url="http://groat.test",
        headers={"authorization": f"Bearer {api_key}"},
        event_hooks={"request": [give_key_async], "response": [assert_documented]},
    ) as client:
        yield client


@asynccontextmanager
async def engine_and_api(
    settings: Settings, api_key: str
) -> AsyncIterator[tuple[Engine, httpx.AsyncClient]]:
    """Yield an engine with ``settings`` and a client of its API."""
    async with open_engine(settings) as engine, api_client(engine, api_key) as client:
        yield engine, client


@asynccontextmanager
async def without_answers(world: World) -> AsyncIterator[World]:
    """Yield the world with providers that do what they are asked, and whose answers break off."""
    for site in (world.stripe, world.paypal):
        await site.set_faults(answer="cut_after")
    yield world


@asynccontextmanager
async def impatient(world: World) -> AsyncIterator[World]:
    """Yield the world with providers whose answers come too late."""
    for site in (world.stripe, world.paypal):
        await site.set_faults(answer_ms=1_500)
    hasty = world.settings.model_copy(update={"provider_timeout_seconds": 0.75})
    async with engine_and_api(hasty, world.api_key) as (engine, api):
        yield replace(world, engine=engine, api=api)
