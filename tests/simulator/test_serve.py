from __future__ import annotations

import asyncio
import os
import signal
import socket

import httpx
import pytest
from structlog.testing import capture_logs

from groat.simulator.serve import serve
from tests.support.http_servers import until


def free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(("127.0.0.1", port)) == 0


async def provider_at(port: int) -> str:
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"http://127.0.0.1:{port}/_simulator/books")
    provider: str = reply.json()["provider"]
    return provider


@pytest.mark.parametrize("end", ["SIGTERM", "cancel"])
async def test_both_simulators_run_until_they_are_stopped(end: str) -> None:
    stripe_port, paypal_port = free_ports()
    task = asyncio.create_task(serve("127.0.0.1", {"stripe": stripe_port, "paypal": paypal_port}))
    await until(lambda: listens(stripe_port) and listens(paypal_port))
    assert await provider_at(stripe_port) == "stripe"
    assert await provider_at(paypal_port) == "paypal"
    if end == "SIGTERM":
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 60)
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
    assert not listens(stripe_port)
    assert not listens(paypal_port)


async def test_the_start_names_both_pages() -> None:
    stripe_port, paypal_port = free_ports()
    with capture_logs() as lines:
        task = asyncio.create_task(
            serve("127.0.0.1", {"stripe": stripe_port, "paypal": paypal_port})
        )
        await until(lambda: listens(stripe_port) and listens(paypal_port))
    pages = {line["provider"]: line["url"] for line in lines if line["event"] == "simulator_page"}
    async with httpx.AsyncClient() as browser:
        titles = {
            provider: (await browser.get(url)).text.partition("<title>")[2].partition("<")[0]
            for provider, url in pages.items()
        }
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)
    assert titles == {"stripe": "Stripe simulator", "paypal": "PayPal simulator"}


async def test_an_occupied_port_is_named_at_once() -> None:
    free, taken = free_ports()
    with (
        socket.create_server(("127.0.0.1", taken)),
        pytest.raises(OSError, match="in use"),
    ):
        await serve("127.0.0.1", {"stripe": free, "paypal": taken})
    assert not listens(free)
