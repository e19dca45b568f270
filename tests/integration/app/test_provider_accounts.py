"""Provider accounts by the command line: a slip loses no secret and makes no account."""

from __future__ import annotations

import asyncio
import json
from subprocess import CompletedProcess

import httpx
import pytest

from groat.kernel import ids
from tests.support.processes import groat
from tests.support.world import World

SECRETS = {"api_key": "sk_live_0123456789abcdef", "webhook_secret": "whsec_0123456789abcdef"}


async def command(world: World, *line: str, given: object = None) -> CompletedProcess[str]:
    return await asyncio.to_thread(
        groat,
        world.settings.home,
        "provider-accounts",
        *line,
        stdin=None if given is None else json.dumps(given),
        **world.variables,
    )


@pytest.fixture
def merchant(world: World) -> str:
    return ids.render_merchant(world.merchant_id)


@pytest.fixture
async def account(world: World, merchant: str) -> str:
    done = await command(world, "put", merchant, "stripe", "Main", "--create", given=SECRETS)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0]


async def credentials(world: World, account: str) -> dict[str, str]:
    account_id = ids.parse("provider_account", account)
    found = await world.engine.merchants.provider_account(world.merchant_id, account_id)  # type: ignore[arg-type]
    return dict(found.credentials)


async def test_a_new_api_key_keeps_the_webhook_secret(
    world: World, merchant: str, account: str
) -> None:
    await command(world, "put", merchant, "stripe", "Main", given={"api_key": "sk_live_new"})
    assert await credentials(world, account) == {**SECRETS, "api_key": "sk_live_new"}
    await command(world, "put", merchant, "stripe", "Main", given={"webhook_secret": None})
    assert await credentials(world, account) == {"api_key": "sk_live_new"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"api_key": ""}, "invalid_credentials"),
        ({"webhook_secret": " "}, "invalid_credentials"),
        ({"api_key": None}, "invalid_credentials"),
        ({"webhook_sceret": "x"}, "invalid_credentials"),
        (["api_key"], "invalid_credentials"),
    ],
)
async def test_invalid_credentials_change_nothing(
    world: World, merchant: str, account: str, given: object, code: str
) -> None:
    done = await command(world, "put", merchant, "stripe", "Main", given=given)
    assert done.returncode == 2
    assert code in done.stderr
    assert await credentials(world, account) == SECRETS


async def test_a_misspelt_name_creates_no_second_account(
    world: World, merchant: str, account: str
) -> None:
    done = await command(world, "put", merchant, "stripe", "Mian", given=SECRETS)
    assert done.returncode == 2
    assert "'Mian'" in done.stderr
    assert "Main" in done.stderr
    assert "--create" in done.stderr
    listed = (await command(world, "list", merchant)).stdout
    assert account in listed
    assert "Mian" not in listed


async def test_shown_credentials_are_masked(world: World, merchant: str, account: str) -> None:
    shown = json.loads((await command(world, "show", merchant, account)).stdout)
    assert shown == {
        "id": account,
        "provider": "stripe",
        "name": "Main",
        "credentials": {"api_key": "********cdef", "webhook_secret": "********cdef"},
    }


async def test_a_deleted_account_keeps_no_credentials_and_receives_no_webhooks(
    world: World, merchant: str, account: str
) -> None:
    refused = await command(world, "delete", merchant, account)
    assert refused.returncode != 0
    assert (await command(world, "delete", merchant, account, "--yes")).returncode == 0
    assert "provider_account_not_found" in (await command(world, "show", merchant, account)).stderr
    answer: httpx.Response = await world.api.post(f"/webhooks/{merchant}/{account}", content=b"{}")
    assert answer.status_code == 404
    [(kept,)] = await world.rows("select credentials from provider_account where name = 'Main'")
    assert kept == b""
    again = await command(world, "put", merchant, "stripe", "Main", "--create", given=SECRETS)
    assert again.returncode == 0
    assert again.stdout.splitlines()[0] != account
