from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from groat.app.settings import ALL_SETTINGS, with_simulators
from groat.platform.process.settings import read_settings, unknown_variables
from groat.simulator.sites import SIMULATED

STRIPE = SIMULATED["stripe"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GROAT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "port"), [("stripe", 8421), ("paypal", 8422)])
def test_each_simulator_has_a_variable_for_its_port(
    name: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"GROAT_{name.upper()}_SIMULATOR_PORT"
    assert getattr(read_settings(ALL_SETTINGS), SIMULATED[name].port_setting) == port
    monkeypatch.setenv(variable, "9000")
    assert getattr(read_settings(ALL_SETTINGS), SIMULATED[name].port_setting) == 9000
    assert unknown_variables(os.environ, ALL_SETTINGS) == []


def test_a_third_provider_has_its_setting_by_its_record_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    third = replace(STRIPE, name="pebble", title="Pebble", port=8423)
    model = with_simulators([*SIMULATED.values(), third])
    assert model().model_dump()["pebble_simulator_port"] == 8423
    monkeypatch.setenv("GROAT_PEBBLE_SIMULATOR_PORT", "9001")
    assert read_settings(model).model_dump()["pebble_simulator_port"] == 9001
    assert unknown_variables(os.environ, model) == []
    assert unknown_variables(os.environ, ALL_SETTINGS) != []


def test_a_port_above_65535_is_refused() -> None:
    with pytest.raises(ValueError, match="65535"):
        ALL_SETTINGS(stripe_simulator_port=70_000)


def test_names_and_ports_of_the_simulators_are_their_own() -> None:
    assert len({one.port for one in SIMULATED.values()}) == len(SIMULATED)
    assert {name: one.name for name, one in SIMULATED.items()} == {name: name for name in SIMULATED}
