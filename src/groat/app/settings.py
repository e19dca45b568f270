"""All settings of the command line: the engine's, and a port for each provider's simulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field, create_model

from groat.platform.process import settings
from groat.platform.process.settings import Settings
from groat.simulator.site import SimulatedProvider
from groat.simulator.sites import SIMULATED


def with_simulators(simulated: Iterable[SimulatedProvider]) -> type[Settings]:
    """Return the settings of the engine with the ports of these simulators."""
    ports: dict[str, Any] = {
        one.port_setting: (
            int,
            Field(one.port, ge=1, le=65535, description=f"The port of the {one.title} simulator."),
        )
        for one in simulated
    }
    return create_model("SettingsWithSimulators", __base__=Settings, **ports)


ALL_SETTINGS = with_simulators(SIMULATED.values())
"""The settings of a process that may run simulators."""


def read_settings() -> Settings:
    """Return the settings in force, those of the simulators included.

    Raises:
        ConfigurationError: ``invalid_setting``; see ``platform/process/settings.py``.
    """
    return settings.read_settings(ALL_SETTINGS)
