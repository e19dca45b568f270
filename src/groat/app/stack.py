"""Run a whole stack on one machine: servers, schema, simulators, API, worker and a merchant.

``groat up``, ``groat demo`` and the tests use it. The processes are those of production. Only the
providers are simulators, which speak the protocols of the real ones.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from groat.app.onboarding import Onboarded, onboard
from groat.app.supervision import Child
from groat.merchants.domain.credentials import ProviderName
from groat.platform.embedded.places import free_port, is_free, write_private
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema
from groat.platform.process.settings import MASTER_KEY_BYTES, Settings, require
from groat.simulator.sites import SIMULATED

_READY_SECONDS = 60.0
"""Seconds that a child process may take to answer its first request."""

_LOOPBACK = "127.0.0.1"

_METRICS_PORT = 9464
"""The port of the API's metrics, and one below the worker's, unless it is set.

It is the usual port of an exporter of OpenTelemetry.
"""

_SHARED = ("database_url", "redis_url", "master_key")
"""Settings that a running stack shares with other commands under the same ``home``."""

Say = Callable[[str], None]
"""Callback that tells the user about the current step."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack: its settings, its addresses, and the demonstration merchant.

    ``metrics`` maps ``api`` and ``worker`` to the address of their metrics.
    """

    settings: Settings
    api: str
    metrics: Mapping[str, str]
    merchant: Onboarded


@contextmanager
def running_stack(
    settings: Settings, *, merchant: str, ephemeral: bool, say: Say
) -> Iterator[Stack]:
    """Start servers and processes, yield the stack, and stop them in order.

    If the settings name a PostgreSQL or Valkey server, the stack uses it; else it starts one. An
    ``ephemeral`` stack takes free ports, and its own servers lose their data at the end.
    ``merchant`` names the demonstration merchant, which is created unless it exists. ``say`` is
    called with the name of each step.

    Raises:
        ConfigurationError: a server or process cannot start. The message names it.
    """
    with ExitStack() as stack:
        say("Starting PostgreSQL and Valkey")
        settings = stack.enter_context(_with_servers(settings, ephemeral=ephemeral))
        development = {**_ports(settings, any_free=ephemeral), "allow_private_targets": True}
        settings = settings.model_copy(update=development)
        say("Bringing the schema up to date")
        schema.migrate(require(settings.database_url, "DATABASE_URL"), settings.role)
        say("Starting the API, the worker and the providers' simulators")
        bases = _simulators(settings)
        api = f"http://{_LOOPBACK}:{settings.api_port}"
        metrics = _metrics_ports(settings, any_free=ephemeral)
        simulators, server, _ = (
            _start(stack, settings.model_copy(update={"metrics_port": metrics.get(name)}), name)
            for name in ("simulator", *metrics)
        )
        _wait(simulators, *(f"{base}/_simulator/books" for base in bases.values()))
        onboarded = asyncio.run(onboard(settings, merchant, api, bases))
        _wait(server, f"{api}/v1/accounts?limit=1", key=onboarded.api_key)
        addresses = {name: f"http://{_LOOPBACK}:{port}/metrics" for name, port in metrics.items()}
        yield Stack(settings, api, addresses, onboarded)


def running_settings(settings: Settings) -> Settings:
    """Fill in missing settings from the stack that runs under the same ``home``, if one does."""
    try:
        found = json.loads(_running_file(settings.home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return settings
    missing = {name: SecretStr(text) for name, text in found.items() if not getattr(settings, name)}
    return settings.model_copy(update=missing)


@contextmanager
def _with_servers(settings: Settings, *, ephemeral: bool) -> Iterator[Settings]:
    """Yield the settings with the addresses of running servers and a master key.

    While the block runs, a private file under ``home`` holds them for other commands.
    """
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
    """Return the ports to listen on: those of the settings, or a free one for each that is in use.

    With ``any_free``, all of them are free ports.
    """
    names = ("api_port", *(one.port_setting for one in SIMULATED.values()))
    return _free_ports({name: getattr(settings, name) for name in names}, any_free=any_free)


def _metrics_ports(settings: Settings, *, any_free: bool) -> dict[str, int]:
    """Return the port for the metrics of the API, and that of the worker."""
    first = settings.metrics_port or _METRICS_PORT
    return _free_ports({"api": first, "worker": first + 1}, any_free=any_free)


def _free_ports(wanted: Mapping[str, int], *, any_free: bool) -> dict[str, int]:
    """Return the ports that are wanted, or a free one for each that is in use."""
    ports: dict[str, int] = {}
    for name, first in wanted.items():
        port = free_port() if any_free else first
        while port in ports.values() or not is_free(port):
            port = free_port()
        ports[name] = port
    return ports


def _simulators(settings: Settings) -> dict[ProviderName, str]:
    return {
        name: f"http://{_LOOPBACK}:{getattr(settings, one.port_setting)}"
        for name, one in SIMULATED.items()
    }


def _start(stack: ExitStack, settings: Settings, name: str) -> Child:
    """Start ``groat <name>`` as a child process that stops with the stack."""
    child = Child.start(name, environment_of(settings), settings.home / "logs" / f"{name}.log")
    stack.callback(child.stop)
    return child


def _wait(child: Child, *urls: str, key: str = "") -> None:
    """Wait until the child answers at all of ``urls``, with an API key where it asks for one.

    The API of another stack does not know the key, so it is never taken for the child.

    One client asks every time, because a new one would read its certificate authorities each time.
    """
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(timeout=1.0, headers=headers) as http:
        child.wait_until(lambda: all(_answers(http, url) for url in urls), _READY_SECONDS)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables that give a child process these settings."""
    return {
        f"GROAT_{name.upper()}": (
            value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        )
        for name, value in settings
        if value is not None
    }


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(url).is_success
    except httpx.HTTPError:
        return False
