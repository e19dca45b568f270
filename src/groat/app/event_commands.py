"""``groat events``: follow the feed of events."""

from __future__ import annotations

from typing import Annotated

import typer

from groat.app.engine_commands import with_engine
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import MerchantId
from groat.notifications.domain.feed import FeedFilter

app = typer.Typer(help="Follow the feed of a merchant's events.", no_args_is_help=True)

_PAGE = 100
"""Maximum events read at once."""

_WAIT_SECONDS = 20.0
"""Seconds for which one read waits for the next event."""


@app.command()
def tail(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    *,
    event_type: Annotated[
        str | None, typer.Option("--type", help="Only events of this type; `payment.*` for many.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only events of this object.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for further events until Ctrl-C.")
    ] = True,
) -> None:
    """Print events, oldest first, one JSON object a line: the body that a webhook has."""
    merchant_id = ids.parse_merchant(merchant)
    wanted = FeedFilter(event_type, None if subject is None else ids.parse_any(subject))
    with_engine(lambda engine: _tail(engine, merchant_id, wanted, follow=follow))


async def _tail(
    engine: Engine, merchant_id: MerchantId, wanted: FeedFilter, *, follow: bool
) -> None:
    after: int | None = None
    seconds = _WAIT_SECONDS if follow else 0
    while True:
        page = await engine.feed_queries.page(
            merchant_id, wanted, after, limit=_PAGE, wait_seconds=seconds
        )
        for event in page.events:
            print(event.payload().decode(), flush=True)
        after = page.end
        if not follow and not page.is_full:
            return
