"""Answers that the API gives to a key."""

from __future__ import annotations

from tests.support.world import World


async def status(world: World, key: str) -> int:
    answer = await world.api.get("/v1/accounts", headers={"authorization": f"Bearer {key}"})
    return answer.status_code
