"""One engine for all that is refused: it is as it was after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from groat.app.api import create_app
from groat.app.wiring import open_engine
from tests.integration.inbox.door import SECRET, Door
from tests.integration.inbox.paypal import SOON, WEBHOOK_ID, Authority, CertificateHost
from tests.support.http_servers import running
from tests.support.setting import Setting
from tests.support.world import OPERATOR


@pytest.fixture(scope="package")
async def certificates() -> AsyncIterator[tuple[CertificateHost, CertificateHost]]:
    """A host that is trusted, and another one with the same certificates that is not."""
    authority = Authority.named("Of the door")
    chains = {
        "good": authority.chain(),
        "expired": authority.chain(valid_for=-SOON),
        "misnamed": authority.chain("www.paypal.com"),
        "strange": Authority.named("Of the door").chain(),
        "crowded": authority.chain() + b"\n" * 65_536,
        "garbled": b"<html>",
    }
    trusted, elsewhere = (CertificateHost(chains, authority.root_pem.decode()) for _ in "ab")
    async with (
        running(trusted.app()) as trusted.address,
        running(elsewhere.app()) as elsewhere.address,
    ):
        trusted.leads_to = elsewhere.address
        yield trusted, elsewhere


@pytest.fixture(scope="package")
async def door(
    setting: Setting, certificates: tuple[CertificateHost, CertificateHost]
) -> AsyncIterator[Door]:
    trusted, elsewhere = certificates
    async with AsyncExitStack() as stack:
        url = stack.enter_context(setting.databases.one())
        settings = setting.settings.model_copy(update={"database_url": SecretStr(url)})
        assert settings.redis_url is not None
        engine = await stack.enter_async_context(open_engine(settings))
        address = await stack.enter_async_context(running(create_app(engine)))
        own = (address, url, settings.redis_url.get_secret_value())
        door = Door(
            engine,
            await stack.enter_async_context(httpx.AsyncClient(base_url=address)),
            await engine.merchants.create(OPERATOR, "Door"),
            frozenset(urlsplit(one).netloc.rpartition("@")[2] for one in own),
            trusted,
            elsewhere,
            stripe="",
            paypal="",
            live="",
        )
        live = {
            "client_id": "x",
            "client_secret": "x",
            "webhook_id": WEBHOOK_ID,
            "certificate_root": trusted.root_pem,
        }
        yield replace(
            door,
            stripe=await door.put_account("stripe", "Stripe", api_key="sk", webhook_secret=SECRET),
            paypal=await door.put_account("paypal", "PayPal", **live, api_base=trusted.address),
            live=await door.put_account("paypal", "Live", **live),
        )
