"""An API key opens its merchant's door until it expires or is revoked, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import LiteralString

import httpx
import pytest

from groat.kernel import ids
from groat.kernel.ids import ApiKeyId
from groat.kernel.scopes import ALL_SCOPES
from groat.merchants.domain.api_keys import KeyOrder
from groat.merchants.domain.credentials import ApiKey
from tests.integration.app.keys import status
from tests.integration.app.routes import operations
from tests.support.shared_api import app_of
from tests.support.world import OPERATOR, World, api_client


async def new_key(world: World, **order: object) -> str:
    caller = OPERATOR.acting_for(world.merchant_id)
    created = await world.engine.api_keys.create(caller, KeyOrder(**order))  # type: ignore[arg-type]
    return str(created.secret)


async def test_a_revoked_key_is_refused_and_another_key_still_works(world: World) -> None:
    first, second = await new_key(world), await new_key(world)
    assert (await status(world, first), await status(world, second)) == (200, 200)
    await world.engine.api_keys.revoke_secret(OPERATOR, first)
    assert (await status(world, first), await status(world, second)) == (401, 200)
    answer = await world.api.get("/v1/audit-records")
    assert "api_key.revoked" in {event["action"] for event in answer.json()["data"]}


async def test_no_key_is_stored_in_plain_text(world: World) -> None:
    answer = await world.ask("api-keys", {"name": "Shop"}, key="one")
    secret = answer.json()["secret"]
    assert await status(world, secret) == 200
    again = await world.ask("api-keys", {"name": "Shop"}, key="one")
    assert again.content == answer.content
    plain = ApiKey.parse(secret).secret
    stored = [
        *await world.rows("select to_jsonb(t)::text from api_key t"),
        *await world.rows("select to_jsonb(t)::text from idempotency_key t"),
        *await world.rows("select to_jsonb(t)::text from audit_record t"),
    ]
    assert len(stored) > 3
    assert not any(plain in row or plain.encode().hex() in row for (row,) in stored)


async def test_a_stored_key_is_invalid_under_another_merchant_or_id(world: World) -> None:
    """Whoever may write rows, and holds one key, could otherwise make it open another door."""
    keys = world.engine.api_keys
    created = await keys.create(OPERATOR.acting_for(world.merchant_id))
    other = await world.engine.merchants.create(OPERATOR, "Other")
    copied: LiteralString = (
        "insert into api_key select %s, {}, secret_hash, name, scopes, created_at"
        " from api_key where id = %s"
    )
    await world.rows(copied.format("id"), other, created.stored.id)
    assert await status(world, str(ApiKey(other, created.secret.secret))) == 401
    await keys.revoke_secret(OPERATOR, str(created.secret))
    await world.rows(copied.format("gen_random_uuid()"), world.merchant_id, created.stored.id)
    assert await status(world, str(created.secret)) == 401


async def test_an_expired_key_is_refused(world: World) -> None:
    key = await new_key(world, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert await status(world, key) == 200
    await world.rows("update api_key set expires_at = now() where expires_at is not null")
    assert await status(world, key) == 401


async def test_a_rolled_key_works_until_the_overlap_ends(world: World) -> None:
    first = (await world.ask("api-keys", {"name": "Shop", "scopes": ["read"]})).json()
    path = f"api-keys/{first['id']}/roll"
    second = (await world.ask(path, {"overlap_seconds": 3600})).json()
    assert (second["name"], second["scopes"]) == ("Shop", ["read"])
    assert [await status(world, one["secret"]) for one in (first, second)] == [200, 200]
    third = (await world.ask(f"api-keys/{second['id']}/roll", {"overlap_seconds": 0})).json()
    secrets = [one["secret"] for one in (first, second, third)]
    assert [await status(world, one) for one in secrets] == [200, 401, 200]
    again = await world.ask(path, {"overlap_seconds": 7200})  # never moves the expiry to later
    assert again.status_code == 201
    listed = {one["id"]: one for one in (await world.api.get("/v1/api-keys")).json()["data"]}
    left = datetime.fromisoformat(listed[first["id"]]["expires_at"]) - datetime.now(UTC)
    assert left <= timedelta(hours=1)
    gone = await world.ask(f"api-keys/{second['id']}/revoke")
    assert (gone.status_code, gone.json()["code"]) == (404, "api_key_not_found")
    finding = await world.groat("verify")
    assert finding.returncode == 0, finding.stdout


async def test_the_last_use_of_a_key_is_shown_within_a_minute(world: World) -> None:
    key = (await world.ask("api-keys", {})).json()
    assert key["last_used_at"] is None
    assert await status(world, key["secret"]) == 200
    first = await used(world, key["id"])
    assert first != "None"
    assert await status(world, key["secret"]) == 200
    assert await used(world, key["id"]) == first
    await world.rows("update api_key set last_used_at = now() - interval '61 s'")
    assert await status(world, key["secret"]) == 200
    assert await used(world, key["id"]) > first


async def used(world: World, key_id: str) -> str:
    listed = (await world.api.get("/v1/api-keys")).json()["data"]
    [found] = [str(one["last_used_at"]) for one in listed if one["id"] == key_id]
    return found


async def test_a_new_key_has_no_scope_that_its_maker_lacks(world: World) -> None:
    limited = await new_key(world, scopes=("merchants:admin", "payments:read"))
    async with api_client(world.engine, limited) as api:
        refused = await api.post("/v1/api-keys", json={"scopes": ["payments:write"]})
        granted = await api.post("/v1/api-keys", json={"scopes": ["payments:read"]})
        whole = (await world.ask("api-keys", {})).json()
        rolled = await api.post(f"/v1/api-keys/{whole['id']}/roll")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_not_held")
    assert granted.status_code == 201
    assert (rolled.status_code, rolled.json()["code"]) == (403, "scope_not_held")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scopes": ["payments:fly"]}, "unknown_scope"),
        ({"scopes": []}, "invalid_request"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "invalid_expiry"),
    ],
)
async def test_an_invalid_key_is_not_created(
    shared_world: World, body: dict[str, object], code: str
) -> None:
    answer = await shared_world.ask("api-keys", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_every_operation_is_closed_to_every_scope_but_its_own(world: World) -> None:
    """Each operation is asked with a key that has all scopes but one, and with that one alone."""
    for needed in sorted(ALL_SCOPES):
        others = tuple(sorted(ALL_SCOPES - {needed}))
        alone, without = await new_key(world, scopes=(needed,)), await new_key(world, scopes=others)
        async with bare_client(world, alone) as one_scope, bare_client(world, without) as rest:
            for one in operations():
                path = one.path.format(**dict.fromkeys(one.parameters, "x"))
                is_open = one.scopes == (needed,)
                assert await refuses_scope(one_scope, one.method, path) is not is_open, one
                assert await refuses_scope(rest, one.method, path) is is_open, one


def bare_client(world: World, key: str) -> httpx.AsyncClient:
    """Return a client of the API that adds nothing to its requests but the key."""
    transport, headers = (
        httpx.ASGITransport(app_of(world.engine)),
        {"authorization": f"Bearer {key}"},
    )
    return httpx.AsyncClient(transport=transport, base_url="http://groat.test", headers=headers)


async def refuses_scope(http: httpx.AsyncClient, method: str, path: str) -> bool:
    answer = await http.request(method, path, json=None)
    assert answer.status_code != 401
    return answer.status_code == 403 and answer.json()["code"] == "missing_scope"


async def test_keys_and_merchants_are_handled_at_the_command_line(world: World) -> None:
    merchant = ids.render_merchant(world.merchant_id)
    made = await world.groat("keys", "create", merchant, "--name", "Till", "--scope", "read")
    key = made.stdout.strip()
    assert await status(world, key) == 200
    key_id = ids.render("api_key", (await world.engine.api_keys.authenticate(key)).key_id)
    shown = (await world.groat("keys", "list", merchant)).stdout
    assert key_id in shown
    assert "Till" in shown
    assert key not in shown
    rolled = (await world.groat("keys", "roll", merchant, key_id, "--overlap-hours", "0")).stdout
    assert [await status(world, one) for one in (key, rolled.strip())] == [401, 200]
    new_id = ids.render(
        "api_key", (await world.engine.api_keys.authenticate(rolled.strip())).key_id
    )
    assert (await world.groat("keys", "revoke", merchant, new_id)).returncode == 0
    assert await status(world, rolled.strip()) == 401
    missing = ids.render("api_key", ApiKeyId(ids.uuid7()))
    assert (await world.groat("keys", "revoke", merchant, missing)).returncode == 2
    assert merchant in (await world.groat("merchants", "list")).stdout
    assert world.stripe.account in (await world.groat("merchants", "show", merchant)).stdout
