from __future__ import annotations

import asyncio
import re

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from groat.platform.process.timings import ServerTiming, spent_on


async def _slow(_: Request) -> Response:
    with spent_on("provider"):
        await asyncio.sleep(0.02)
    with spent_on("provider"):
        await asyncio.sleep(0.02)
    return PlainTextResponse("done")


async def _quick(_: Request) -> Response:
    return PlainTextResponse("done")


async def _timings(path: str) -> dict[str, float]:
    app = ServerTiming(Starlette(routes=[Route("/slow", _slow), Route("/quick", _quick)]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://groat.test") as client:
        header = (await client.get(path)).headers["server-timing"]
    return {what: float(dur) for what, dur in re.findall(r"([a-z]+);dur=([0-9.]+)", header)}


async def test_an_answer_reports_its_timings() -> None:
    timings = await _timings("/slow")
    assert timings.keys() == {"provider", "total"}
    assert 38 <= timings["provider"] <= timings["total"]


async def test_each_request_has_its_own_timings() -> None:
    slow, quick = await asyncio.gather(_timings("/slow"), _timings("/quick"))
    assert "provider" in slow
    assert quick.keys() == {"total"}
