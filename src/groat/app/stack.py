"""Everything on one machine: servers, schema, simulators, API and worker, and a merchant to try.

Used by ``groat up``, ``groat demo`` and the tests. The processes are the real ones; the providers
are stand-ins that speak the real ones' protocols.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from groat.app.onboarding import Onboarded, onboard
from groat.app.supervision import Child
from groat.merchants.domain.credentials import ProviderName
from groat.platform.embedded.places import (
    free_port,
    is_free,
    write_private,
)
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema
from groat.platform.process.settings import (
    MASTER_KEY_BYTES,
    Settings,
    require,
)

_READY_SECONDS = 30.0
_LOOPBACK = "127.0.0.1"
_SHARED = ("database_url", "redis_url", "master_key")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs: with which settings, where the API is, and the merchant to try it with."""

    settings: Settings
    api: str
    merchant: Onboarded


@contextmanager
def running_stack(
    settings: Settings, *, merchant: str, ephemeral: bool, say: Say
) -> Iterator[Stack]:
    """Start everything, yield it, and stop it in order.

    What the settings name is used; what they do not is started here. An ``ephemeral`` stack takes
    free ports, and its servers' data are gone at the end. ``merchant`` is the name of a merchant to
    try things with, who is made if need be. ``say`` is told what goes on.

    Raises:
        ConfigurationError: something cannot start; the message says what.
    """
    with ExitStack() as stack:
        say("Starting PostgreSQL and Valkey")
        settings = stack.enter_context(_with_servers(settings, ephemeral=ephemeral))
        settings = settings.model_copy(update=_ports(settings, any_free=ephemeral))
        say("Bringing the schema up to date")
        schema.migrate(require(settings.database_url, "DATABASE_URL"), settings.role)
        say("Starting the API, the worker and the providers' simulators")
        bases = _simulators(settings)
        api = f"http://{_LOOPBACK}:{settings.api_port}"
        simulators, server, _ = (
            _start(stack, settings, name) for name in ("simulator", "api", "worker")
        )
        _wait(simulators, *(f"{base}/_simulator/books" for base in bases.values()))
        onboarded = asyncio.run(onboard(settings, merchant, api, bases))
        _wait(server, f"{api}/healthz")
        yield Stack(settings, api, onboarded)


def running_settings(settings: Settings) -> Settings:
    """Return the settings completed by those of the stack that runs under ``home``, if one does."""
    try:
        found = json.loads(_running_file(settings.home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return settings
    missing = {name: SecretStr(text) for name, text in found.items() if not getattr(settings, name)}
    return settings.model_copy(update=missing)


@contextmanager
def _with_servers(settings: Settings, *, ephemeral: bool) -> Iterator[Settings]:
    """Yield the settings with servers that run, and a master key."""
    servers = EmbeddedServers(
        settings.home,
        ephemeral=ephemeral,
        postgres=settings.database_url is None,
        valkey=settings.redis_url is None,
    )
    with servers:
        database_url = settings.database_url or SecretStr(servers.database_url)
        redis_url = settings.redis_url or SecretStr(servers.redis_url)
        master_key = settings.master_key or _kept_master_key(settings.home / "master.key")
        found = dict(zip(_SHARED, (database_url, redis_url, master_key), strict=True))
        running = _running_file(settings.home)
        write_private(
            running, json.dumps({name: value.get_secret_value() for name, value in found.items()})
        )
        try:
            yield settings.model_copy(update=found)
        finally:
            running.unlink(missing_ok=True)


def _running_file(home: Path) -> Path:
    return home / "running.json"


def _kept_master_key(file: Path) -> SecretStr:
    if not file.exists():
        write_private(file, base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode())
    return SecretStr(file.read_text(encoding="utf-8"))


def _ports(settings: Settings, *, any_free: bool) -> dict[str, int]:
    """Return the ports to listen on: those of the settings, or free ones where they are taken."""
    ports: dict[str, int] = {}
    for name in ("api_port", "stripe_simulator_port", "paypal_simulator_port"):
        port = free_port() if any_free else getattr(settings, name)
        while port in ports.values() or not is_free(port):
            port = free_port()
        ports[name] = port
    return ports


def _simulators(settings: Settings) -> dict[ProviderName, str]:
    return {
        "stripe": f"http://{_LOOPBACK}:{settings.stripe_simulator_port}",
        "paypal": f"http://{_LOOPBACK}:{settings.paypal_simulator_port}",
    }


def _start(stack: ExitStack, settings: Settings, name: str) -> Child:
    """Start ``groat <name>``, to be stopped with the stack."""
    child = Child.start(name, environment_of(settings), settings.home / "logs" / f"{name}.log")
    stack.callback(child.stop)
    return child


def _wait(child: Child, *urls: str) -> None:
    """Return once every one of ``urls``, which the child serves, answers."""
    child.wait_until(lambda: all(_answers(url) for url in urls), _READY_SECONDS)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables that give a child process these settings."""
    return {
        f"GROAT_{name.upper()}": (
            value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        )
        for name, value in settings
        if value is not None
    }


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.HTTPError:
        return False
