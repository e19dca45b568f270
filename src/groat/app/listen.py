"""``groat listen``: forward a merchant's events to a URL on this machine, for development."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

import typer

from groat.app.stack import running_settings
from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.ids import MerchantId
from groat.notifications.domain.endpoint import Secret, new_secret
from groat.notifications.domain.feed import FeedEvent, FeedFilter
from groat.platform.process.settings import read_settings

_PAGE = 100
"""Maximum events read at once."""

_WAIT_SECONDS = 20.0
"""Seconds for which one read waits for the next event."""

_SECRET_BYTES = 32


def listen(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    *,
    forward_to: Annotated[str, typer.Option(help="The URL that takes the events.")],
    event_type: Annotated[
        str | None, typer.Option("--type", help="Only events of this type; `payment.*` for many.")
    ] = None,
) -> None:
    """Forward the merchant's events to a URL from now on, until Ctrl-C. For development.

    The command prints the secret of the signatures first, then a line for each event with the
    answer. It needs no webhook endpoint, stores nothing and retries nothing.
    """
    merchant_id, wanted = ids.parse_merchant(merchant), FeedFilter(event_type)
    settings = running_settings(read_settings())
    development = settings.model_copy(update={"allow_private_targets": True})
    secret = new_secret(secrets.token_bytes(_SECRET_BYTES))

    async def run() -> None:
        async with open_engine(development) as engine:
            await engine.courier.require_public(forward_to)
            after = await engine.feed_queries.end(merchant_id)
            print(f"Events go to {forward_to}, signed with {secret.text}", flush=True)
            await _forward(engine, merchant_id, wanted, after, forward_to, secret)

    asyncio.run(run())


async def _forward(
    engine: Engine,
    merchant_id: MerchantId,
    wanted: FeedFilter,
    after: int,
    url: str,
    secret: Secret,
) -> None:
    while True:
        page = await engine.feed_queries.page(
            merchant_id, wanted, after, limit=_PAGE, wait_seconds=_WAIT_SECONDS
        )
        for event in page.events:
            reply = await engine.courier.post(url, [secret], event)
            print(_line(event, reply.status_code, reply.error), flush=True)
        after = page.end


def _line(event: FeedEvent, status_code: int | None, error: str | None) -> str:
    return f"{ids.render('event', event.id)} {event.type} {status_code or error}"
