"""An API key opens its merchant's door until it is revoked, and nobody else's."""

from __future__ import annotations

from tests.integration.world import World


async def status(world: World, key: str) -> int:
    answer = await world.api.get("/v1/accounts", headers={"authorization": f"Bearer {key}"})
    return answer.status_code


async def test_a_revoked_key_opens_nothing_and_its_neighbour_still_does(world: World) -> None:
    merchants = world.engine.merchants
    first, second = [str(await merchants.create_api_key(world.merchant_id)) for _ in range(2)]
    assert (await status(world, first), await status(world, second)) == (200, 200)
    await merchants.revoke_api_key(first)
    assert (await status(world, first), await status(world, second)) == (401, 200)
    answer = await world.api.get("/v1/events")
    assert "api_key.revoked" in {event["action"] for event in answer.json()["data"]}


async def test_a_key_is_not_kept_in_the_clear(world: World) -> None:
    key = await world.engine.merchants.create_api_key(world.merchant_id)
    rows = await world.rows("select to_jsonb(api_key)::text from api_key")
    assert rows
    assert not any(key.secret in row for (row,) in rows)
