"""``groat listen`` forwards a merchant's events to a URL of the developer's, signed as webhooks."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from groat.kernel import ids
from tests.support.feed import place_all
from tests.support.http_servers import until
from tests.support.processes import GROAT, environment
from tests.support.webhook_receiver import Receiver
from tests.support.world import World


async def test_listen_forwards_events_from_now_on(
    world: World, receiver: Receiver, tmp_path: Path
) -> None:
    wallet = await world.wallet()
    await world.pay(wallet)
    await place_all(world)
    merchant = ids.render_merchant(world.merchant_id)
    line = ["listen", merchant, "--forward-to", receiver.url, "--type", "payment.succeeded"]
    told = environment(world.settings.home, **world.variables)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*GROAT, *line, env=told, stdout=output)
    try:
        await until(lambda: "signed with" in log.read_text())
        later = await world.pay(wallet)
        await place_all(world)
        await until(lambda: log.read_text().count("\n") == 2)
    finally:
        process.kill()
        await process.wait()
    [arrived] = receiver.arrived
    secret, event = re.findall(r"(whsec_\S+)\n(\S+) payment.succeeded 200", log.read_text())[0]
    arrived.verify(secret)
    assert (arrived.event["id"], arrived.event["data"]["id"]) == (event, later["id"])
