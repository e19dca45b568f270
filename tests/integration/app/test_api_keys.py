"""An API key opens its merchant's door until it is revoked, and nobody else's."""

from __future__ import annotations

from typing import LiteralString

from groat.merchants.domain.credentials import ApiKey
from tests.integration.app.keys import status
from tests.support.world import OPERATOR, World


async def test_a_revoked_key_is_refused_and_another_key_still_works(world: World) -> None:
    merchants = world.engine.merchants
    first, second = [
        str(await merchants.create_api_key(OPERATOR.acting_for(world.merchant_id)))
        for _ in range(2)
    ]
    assert (await status(world, first), await status(world, second)) == (200, 200)
    await merchants.revoke_api_key(OPERATOR, first)
    assert (await status(world, first), await status(world, second)) == (401, 200)
    answer = await world.api.get("/v1/audit-records")
    assert "api_key.revoked" in {event["action"] for event in answer.json()["data"]}


async def test_no_key_is_stored_in_plain_text(world: World) -> None:
    key = await world.engine.merchants.create_api_key(OPERATOR.acting_for(world.merchant_id))
    rows = await world.rows("select to_jsonb(api_key)::text from api_key")
    assert rows
    assert not any(key.secret in row for (row,) in rows)


async def test_a_stored_key_is_invalid_under_another_merchant_or_id(world: World) -> None:
    """Whoever may write rows, and holds one key, could otherwise make it open another door."""
    merchants = world.engine.merchants
    key = await merchants.create_api_key(OPERATOR.acting_for(world.merchant_id))
    other = await merchants.create(OPERATOR, "Other")
    copied: LiteralString = (
        "insert into api_key select %s, {}, secret_hash, created_at from api_key where id = %s"
    )
    _, key_id = await merchants.authenticate(str(key))
    await world.rows(copied.format("id"), other, key_id)
    assert await status(world, str(ApiKey(other, key.secret))) == 401
    await merchants.revoke_api_key(OPERATOR, str(key))
    await world.rows(copied.format("gen_random_uuid()"), world.merchant_id, key_id)
    assert await status(world, str(key)) == 401
