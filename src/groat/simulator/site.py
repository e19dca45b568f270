"""The record of a simulated provider: all that ``groat up``, the demo and the tests need of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
from starlette.types import ASGIApp

from groat.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class SimulatedProvider:
    """A provider with a simulator.

    ``port`` is the simulator's port unless the setting ``port_setting`` has another.
    ``credentials`` are those for calls to the simulator, which accepts any of their form. The
    simulator accepts the payment methods in ``accepted`` and declines those in ``declined``.
    ``register`` registers a webhook address and returns the credentials to verify webhooks with.
    """

    name: str
    title: str
    port: int
    create_app: Callable[[Clock], ASGIApp]
    credentials: Mapping[str, str]
    accepted: tuple[str, ...]
    declined: tuple[str, ...]
    register: Callable[[httpx.AsyncClient, str], Awaitable[dict[str, str]]]

    @property
    def port_setting(self) -> str:
        """Name of the setting with the simulator's port, such as ``stripe_simulator_port``."""
        return f"{self.name}_simulator_port"
