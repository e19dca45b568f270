"""``groat api``, ``groat worker`` and ``groat simulator``: the processes that serve."""

from __future__ import annotations

import uvloop

from groat.app.settings import read_settings
from groat.app.stack import running_settings
from groat.app.supervision import exit_with_parent
from groat.platform.postgres import schema
from groat.platform.process.settings import Settings, require
from groat.platform.process.telemetry import configure_logging


def api() -> None:
    """Serve the HTTP API and receive the providers' webhooks.

    Any number of these processes may run side by side.
    """
    from groat.app.api import serve_api  # noqa: PLC0415 - no other command needs the framework

    settings = _process_settings("api")
    uvloop.run(serve_api(settings))


def worker() -> None:
    """Apply webhooks, expire holds, look up unknown outcomes, and seal audit records.

    Any number of these processes may run side by side.
    """
    from groat.app.worker import run_worker  # noqa: PLC0415 - no other command needs it

    settings = _process_settings("worker")
    uvloop.run(run_worker(settings))


def simulator() -> None:
    """Serve the providers' simulators for development. Their data is lost when they stop."""
    settings = read_settings()
    configure_logging(settings, "simulator")
    uvloop.run(_serve_simulators(settings))


async def _serve_simulators(settings: Settings) -> None:
    from groat.simulator.serve import serve  # noqa: PLC0415 - no other command needs it
    from groat.simulator.sites import SIMULATED  # noqa: PLC0415

    ports = {name: getattr(settings, one.port_setting) for name, one in SIMULATED.items()}
    async with exit_with_parent():
        await serve("127.0.0.1", ports)


def _process_settings(name: str) -> Settings:
    settings = running_settings(read_settings())
    configure_logging(settings, name)
    schema.require_current(require(settings.database_url, "DATABASE_URL"), settings.role)
    return settings
