"""The master key: a wrong one is told at the start, and another one replaces it without a gap."""

from __future__ import annotations

import base64
import secrets

import pytest
from pydantic import SecretStr

from groat.app.wiring import open_engine
from groat.kernel.errors import ConfigurationError
from tests.integration.app.keys import status
from tests.support.world import OPERATOR, World, engine_and_api


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def old_key(world: World) -> str:
    return world.variables["GROAT_MASTER_KEY"]


async def opens(world: World, keys: str) -> bool:
    """Say whether an engine with these master keys starts and opens the merchant's secrets."""
    settings = world.settings.model_copy(update={"master_key": SecretStr(keys)})
    try:
        async with engine_and_api(settings, world.api_key) as (engine, api):
            found = await engine.merchants.provider_account(
                world.merchant_id, world.stripe.account_id
            )
            return bool(found.credentials) and (await api.get("/v1/accounts")).is_success
    except ConfigurationError as error:
        return error.code != "wrong_master_key"


async def test_a_database_that_lost_its_root_key_gets_no_new_one(world: World) -> None:
    await world.rows("delete from root_key")
    done = await world.groat("merchants", "create", "Other")
    assert done.returncode == 2
    assert "root_key_missing" in done.stderr


@pytest.mark.parametrize("command", ["api", "worker"])
async def test_a_process_with_a_wrong_master_key_refuses_to_start_in_one_line(
    world: World, command: str
) -> None:
    wrong = {**world.variables, "GROAT_MASTER_KEY": new_key()}
    done = await world.groat(command, **wrong)
    assert done.returncode == 2
    [line] = done.stderr.strip().splitlines()
    assert "wrong_master_key" in line
    assert "GROAT_MASTER_KEY" in line


async def test_the_master_key_is_replaced_while_the_old_one_still_opens(world: World) -> None:
    old, new = old_key(world), new_key()
    assert await opens(world, f"{new},{old}")
    assert not await opens(world, new)
    both = {**world.variables, "GROAT_MASTER_KEY": f"{new},{old}"}
    done = await world.groat("keys", "rotate-master", **both)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "The keys of 1 merchants" in done.stderr
    assert await opens(world, new)
    assert await opens(world, f"{old},{new}")
    assert not await opens(world, old)
    assert await status(world, world.api_key) == 200


async def test_a_rotation_needs_the_new_and_the_old_key(world: World) -> None:
    done = await world.groat("keys", "rotate-master")
    assert done.returncode == 2
    assert "one_master_key" in done.stderr
    wrong = {**world.variables, "GROAT_MASTER_KEY": f"{new_key()},{new_key()}"}
    assert "wrong_master_key" in (await world.groat("keys", "rotate-master", **wrong)).stderr
    assert await opens(world, old_key(world))


async def test_a_rotation_that_meets_a_key_it_cannot_open_changes_nothing(world: World) -> None:
    old, new = old_key(world), new_key()
    await world.rows(
        "insert into merchant select 7, 'Damaged', data_key, created_at from merchant limit 1"
    )
    settings = world.settings.model_copy(update={"master_key": SecretStr(f"{new},{old}")})
    async with open_engine(settings) as engine:
        with pytest.raises(ConfigurationError):
            await engine.merchants.rewrap_keys(OPERATOR)
    assert await opens(world, old)
    assert not await opens(world, new)
