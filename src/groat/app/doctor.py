"""Examine an installation: settings, servers, keys, clocks and provider accounts.

Each symptom names a fault and its cure. An examination that needs an earlier one is left out when
that one fails.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from groat.app.settings import ALL_SETTINGS
from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.errors import GroatError
from groat.kernel.ids import MerchantId
from groat.merchants.domain.credentials import ProviderAccountName
from groat.platform.http.guard import connection_limits
from groat.platform.postgres import schema
from groat.platform.postgres.heartbeat import processes
from groat.platform.postgres.server import PostgresFacts
from groat.platform.process.settings import Settings, require, unknown_variables
from groat.platform.redis.server import RedisFacts
from groat.providers.port import Unknown

_CLOCK_SKEW_SECONDS = 1.0
"""Tolerated difference of clocks. Signatures of webhooks have times, and records are ordered."""
_OLDEST, _NEWEST = 15, 18
"""Major versions of PostgreSQL that Groat is tested with."""


class State(StrEnum):
    """The result of an examination."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Symptom:
    """The result of one examination; ``cure`` is empty if nothing is wrong."""

    name: str
    state: State
    detail: str
    cure: str = ""


async def examine(settings: Settings, merchants: Collection[MerchantId]) -> AsyncIterator[Symptom]:
    """Examine this machine, the servers in ``settings``, and the accounts of ``merchants``."""
    for symptom in _variables():
        yield symptom
    yield _descriptors(settings)
    postgres = list(_postgres(settings))
    for symptom in postgres:
        yield symptom
    async for symptom in _redis(settings):
        yield symptom
    if any(one.state is State.FAILURE for one in postgres):
        return
    try:
        async with open_engine(settings) as engine:
            yield Symptom("master_key", State.OK, "it opens this database")
            async for symptom in _engine(engine, merchants):
                yield symptom
    except GroatError as error:
        yield Symptom("engine", State.FAILURE, f"({error.code}) {error.message}")


def _variables() -> Iterator[Symptom]:
    unknown = unknown_variables(os.environ, ALL_SETTINGS)
    if not unknown:
        yield Symptom("settings", State.OK, "every GROAT_ variable is a setting")
    for line in unknown:
        yield Symptom("settings", State.WARNING, line, "Correct or remove the variable.")


def _descriptors(settings: Settings) -> Symptom:
    wanted = settings.api_connections
    try:
        limits = connection_limits(wanted, None, settings.database_connections)
    except GroatError as error:
        return Symptom("open_files", State.FAILURE, error.message, "Raise `ulimit -n`.")
    if limits.total < wanted:
        detail = f"the API can accept {limits.total:,} of {wanted:,} connections"
        return Symptom("open_files", State.WARNING, detail, "Raise `ulimit -n`.")
    return Symptom("open_files", State.OK, f"the API can accept {wanted:,} connections")


def _postgres(settings: Settings) -> Iterator[Symptom]:
    """Examine PostgreSQL. Nothing else can be examined if it is away."""
    try:
        url = require(settings.database_url, "DATABASE_URL")
        facts = PostgresFacts.of(url)
    except GroatError as error:
        yield Symptom("postgresql", State.FAILURE, error.message, "Correct GROAT_DATABASE_URL.")
        return
    yield _version(facts)
    yield _durability(is_durable=facts.is_durable)
    yield _clock(facts.skew_seconds)
    yield _schema(url, settings.role)


def _version(facts: PostgresFacts) -> Symptom:
    way = "through a pooler" if facts.is_pooled else "directly"
    detail = f"version {facts.version}, {way}, max_connections {facts.max_connections}"
    if _OLDEST <= facts.version <= _NEWEST:
        return Symptom("postgresql", State.OK, detail)
    return Symptom(
        "postgresql",
        State.WARNING,
        detail,
        f"Groat is tested with versions {_OLDEST} to {_NEWEST}. Use one of them.",
    )


def _durability(*, is_durable: bool) -> Symptom:
    if is_durable:
        return Symptom("durability", State.OK, "fsync and full_page_writes are on")
    return Symptom(
        "durability",
        State.FAILURE,
        "fsync or full_page_writes is off: a power cut can lose committed money",
        "Set both to on in postgresql.conf.",
    )


def _clock(skew: float) -> Symptom:
    detail = f"this machine and PostgreSQL differ by {1000 * abs(skew):.0f} ms"
    if abs(skew) <= _CLOCK_SKEW_SECONDS:
        return Symptom("clock", State.OK, detail)
    return Symptom("clock", State.WARNING, detail, "Synchronise both clocks, for example with NTP.")


def _schema(url: str, role: str | None) -> Symptom:
    try:
        schema.require_current(url, role)
    except GroatError as error:
        return Symptom("schema", State.FAILURE, error.message, "Run `groat migrate`.")
    return Symptom("schema", State.OK, f"revision {schema.current_revision(url)}, role {role}")


async def _redis(settings: Settings) -> AsyncIterator[Symptom]:
    if settings.redis_url is None:
        yield Symptom(
            "redis",
            State.WARNING,
            "GROAT_REDIS_URL is not set: workers poll for webhooks",
            "Set it, to apply webhooks as soon as they arrive.",
        )
        return
    try:
        facts = await RedisFacts.of(settings.redis_url.get_secret_value())
    except GroatError as error:
        yield Symptom("redis", State.FAILURE, error.message, "Correct GROAT_REDIS_URL.")
        return
    yield Symptom("redis", State.OK, f"version {facts.version}")
    if facts.eviction == "noeviction":
        yield Symptom("redis_eviction", State.OK, "maxmemory-policy is noeviction")
    else:
        yield Symptom(
            "redis_eviction",
            State.WARNING,
            f"maxmemory-policy is {facts.eviction}: Redis may drop jobs, and workers then poll",
            "Set maxmemory-policy to noeviction, as BullMQ requires.",
        )


async def _engine(engine: Engine, merchants: Collection[MerchantId]) -> AsyncIterator[Symptom]:
    yield await _workers(engine)
    yield await _audit_log(engine)
    for merchant_id in merchants:
        for account in await engine.merchants.provider_accounts(merchant_id):
            yield await _provider_account(engine, merchant_id, account)


async def _workers(engine: Engine) -> Symptom:
    alive = [one for one in await processes(engine.database) if one.is_alive]
    workers = sum(one.kind == "worker" for one in alive)
    if workers:
        return Symptom("workers", State.OK, f"{workers} alive")
    return Symptom(
        "workers", State.WARNING, "none is alive: webhooks are not applied", "Run `groat worker`."
    )


async def _audit_log(engine: Engine) -> Symptom:
    if await engine.audit_keys.verifiers():
        return Symptom("audit_log", State.OK, "records are sealed")
    return Symptom(
        "audit_log",
        State.WARNING,
        "it has no key: audit records are not sealed",
        "Run `groat audit init-key`.",
    )


async def _provider_account(
    engine: Engine, merchant_id: MerchantId, account: ProviderAccountName
) -> Symptom:
    """Ask the provider for its newest events: that needs valid credentials and moves no money."""
    name = f"{account.provider} {ids.render('provider_account', account.id)}"
    try:
        provider = await engine.providers.get(merchant_id, account.id)
    except GroatError as error:
        return Symptom(name, State.FAILURE, error.message)
    if provider.lists_events_for is None:
        return Symptom(name, State.OK, "not asked: this provider has no list of events")
    now = datetime.now(UTC)
    page = await provider.list_events(now - timedelta(minutes=1), now, None)
    if isinstance(page, Unknown):
        return Symptom(
            name,
            State.FAILURE,
            f"the provider did not answer: {page.reason}",
            "Check its credentials, and whether this machine reaches the provider.",
        )
    return Symptom(name, State.OK, "the provider accepts the credentials")
