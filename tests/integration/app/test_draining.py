"""A process that is told to stop is not ready any more, and serves until balancers notice."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx

from groat.platform.embedded.places import free_port
from tests.support.processes import running, until
from tests.support.world import World


def _status(url: str, key: str = "") -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        return httpx.get(url, headers=headers, timeout=5).status_code
    except httpx.TransportError:
        return 0


async def test_readiness_ends_first_and_requests_are_served_meanwhile(
    world: World, tmp_path: Path
) -> None:
    port, metrics, log = free_port(), free_port(), tmp_path / "api.log"
    told = {
        **world.variables,
        "GROAT_API_PORT": str(port),
        "GROAT_METRICS_PORT": str(metrics),
        "GROAT_DRAIN_SECONDS": "300",
    }
    base, probes = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics}"
    with running(tmp_path, "api", log, **told) as process:
        await asyncio.to_thread(until, lambda: _status(f"{base}/readyz") == 200, "the API")
        os.kill(process.pid, signal.SIGTERM)
        await asyncio.to_thread(until, lambda: _status(f"{base}/readyz") == 503, "draining")
        assert _status(f"{probes}/readyz") == 503
        assert _status(f"{base}/livez") == _status(f"{probes}/livez") == 200
        assert _status(f"{base}/v1/accounts", world.api_key) == 200
        os.kill(process.pid, signal.SIGTERM)  # again: nobody needs to wait any longer
        await asyncio.to_thread(until, lambda: _status(f"{base}/livez") == 0, "the end")
    lines = log.read_text().splitlines()
    [line] = [one for one in lines if "/v1/accounts" in one]
    for part in ("event=request", "method=GET", "status=200", "merchant=mer_", "request_id=req_"):
        assert part in line
    assert not any("/readyz" in one for one in lines if "status=200" in one)


async def test_a_refused_request_is_logged_with_its_code_and_without_its_query(
    world: World, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "api.log"
    told = {**world.variables, "GROAT_API_PORT": str(port)}
    base = f"http://127.0.0.1:{port}"
    with running(tmp_path, "api", log, **told):
        await asyncio.to_thread(until, lambda: _status(f"{base}/readyz") == 200, "the API")
        assert _status(f"{base}/v1/payments?reference=secret-of-the-caller") == 401
        assert _status(f"{base}/secret-of-the-caller") == 404
    said = log.read_text()
    assert "secret-of-the-caller" not in said
    assert "code=invalid_api_key" in said
    assert "route=unmatched" in said
