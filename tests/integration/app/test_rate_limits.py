"""An API key that sends too many requests is refused, and is told its limit."""

from __future__ import annotations

import re

from tests.support.world import OPERATOR, World, api_client, engine_and_api


async def test_a_key_above_its_limit_is_refused_and_others_are_served(world: World) -> None:
    slow = world.settings.model_copy(update={"rate_limit": 1})
    other = await world.engine.api_keys.create(OPERATOR.acting_for(world.merchant_id))
    async with engine_and_api(slow, world.api_key) as (engine, api):
        answers = [await api.get("/v1/payments") for _ in range(30)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) > 10
        assert {answer.status_code for answer in answers[:10]} == {200}
        assert refused[-1].json()["code"] == "rate_limited"
        assert refused[-1].json()["retryable"] is True
        assert refused[-1].headers["retry-after"] == "1"
        async with api_client(engine, str(other.secret)) as another:
            assert (await another.get("/v1/payments")).status_code == 200


async def test_answers_tell_the_limit_and_the_rest(world: World) -> None:
    headers = (await world.api.get("/v1/payments")).headers
    assert headers["ratelimit-policy"] == '"key";q=20000;w=10'
    assert re.fullmatch(r'"key";r=\d+;t=10', headers["ratelimit"])
