"""``groat inbox``: show provider events, replay them, and backfill undelivered events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.moment_option import moment
from groat.app.operators import operator
from groat.app.wiring import Engine
from groat.inbox.domain.conclusion import EventStatus
from groat.inbox.domain.event import EventFilter, ProviderEvent
from groat.inbox.http.backfill import BackfillView
from groat.inbox.http.events import (
    LEAST_PER_SECOND,
    MOST_PER_SECOND,
    MOST_REHEARSED,
    MOST_REPLAYED,
    PER_SECOND,
    ProviderEventDetailsView,
    ProviderEventView,
    RehearsedView,
)
from groat.inbox.service.backfill import Backfilled, Span
from groat.inbox.service.rehearsal import Rehearsed
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import MerchantId, ProviderAccountId, ProviderEventId
from groat.platform.http.edge import View

app = typer.Typer(
    help="Show provider events, replay them, and backfill events that were never delivered.",
    no_args_is_help=True,
)
console = Console()
notes = Console(stderr=True)

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
Status = Annotated[EventStatus | None, typer.Option(help="Select events with this status.")]
Type = Annotated[
    str | None,
    typer.Option("--type", help="Select events of this type, such as `charge.succeeded`."),
]
Account = Annotated[
    str | None, typer.Option(help="Select events of this provider account, as `pac_...`.")
]
Reason = Annotated[str | None, typer.Option(help="Select events with this reason.")]
When = datetime | None
From = Annotated[
    When,
    typer.Option(
        "--since",
        parser=moment,
        metavar="when",
        help="Select events received at this time or later: `2h` ago, or a date or time.",
    ),
]
Before = Annotated[
    When,
    typer.Option(
        "--until",
        parser=moment,
        metavar="when",
        help="Select events received before this time: `2h` ago, or a date or time.",
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of events to show.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the changes that would be made; make none.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_events(
    merchant: Merchant,
    status: Status = None,
    event_type: Type = None,
    account: Account = None,
    reason: Reason = None,
    received_from: From = None,
    received_before: Before = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show events, newest first, each with its status and the reason.

    Events with the status `dead` need a person (`--status dead`). Fix the cause, then replay them.
    """
    merchant_id = ids.parse_merchant(merchant)
    selection = _selection(
        status, event_type, account, reason, None, received_from, received_before
    )
    events = with_engine(
        lambda engine: engine.replay.events(merchant_id, selection, before=None, limit=limit)
    )
    if as_json:
        _print_json([ProviderEventView.of(event) for event in events])
    else:
        render.provider_events(console, events)


@app.command()
def show(
    merchant: Merchant,
    event: Annotated[str, typer.Argument(help="The event's id, as `pev_...`.")],
) -> None:
    """Print one event as JSON, with the body that the provider sent."""
    merchant_id = ids.parse_merchant(merchant)
    event_id = _event_id(event)
    found, body = with_engine(lambda engine: engine.replay.event(merchant_id, event_id))
    print(ProviderEventDetailsView.of_details(found, body).model_dump_json(indent=2))


@app.command()
def replay(
    merchant: Merchant,
    events: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of events, as `pev_...`. Or give none, and select by options."),
    ] = None,
    status: Status = None,
    event_type: Type = None,
    account: Account = None,
    reason: Reason = None,
    received_from: From = None,
    received_before: Before = None,
    per_second: Annotated[
        float,
        typer.Option(
            min=LEAST_PER_SECOND, max=MOST_PER_SECOND, help="Maximum events to try per second."
        ),
    ] = PER_SECOND,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Replay events, oldest first. Workers process them again like new events.

    An effect that was applied before is not applied again. Use `--dry-run` first: it shows the
    outcome and the changes of each event. Every replayed event is written to the audit trail.
    """
    named = [_event_id(event) for event in events or ()] or None
    selection = _selection(
        status, event_type, account, reason, named, received_from, received_before
    )
    caller = _operator(merchant)
    if dry_run:
        rehearsed = with_engine(lambda engine: _rehearse(engine, caller.merchant_id, selection))
        _show_rehearsed(rehearsed, as_json=as_json)
        return
    replayed = with_engine(lambda engine: _replay(engine, caller, selection, per_second))
    if as_json:
        _print_json([ProviderEventView.of(event) for event in replayed])
    else:
        console.print(f"{len(replayed)} events are being replayed. Watch: groat inbox list")


@app.command()
def backfill(
    merchant: Merchant,
    account: Annotated[str, typer.Argument(help="The provider account, as `pac_...`.")],
    since: Annotated[
        datetime,
        typer.Option(
            parser=moment,
            metavar="when",
            help="Start of the time span: `2h` or `7d` ago, or a date or time.",
        ),
    ],
    until: Annotated[
        When,
        typer.Option(
            parser=moment,
            metavar="when",
            help="End of the time span, in the same form. Default: now.",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Compare the provider's list of events with the inbox, and add the missing events.

    Use this command after an outage that lasted longer than the provider's retries. Stripe and
    PayPal list the events of the last 30 days. Added events are applied like delivered ones.
    """
    caller = _operator(merchant)
    account_id = ProviderAccountId(ids.parse("provider_account", account))
    pages = with_engine(
        lambda engine: _backfill(engine, caller, account_id, Span(since, until), dry_run=dry_run)
    )
    if as_json:
        _print_json([BackfillView.of(page, page.next_cursor) for page in pages])
        return
    missing = sum(len(page.missing) for page in pages)
    would = "would be" if dry_run else "were"
    console.print(
        f"{sum(page.listed for page in pages)} events listed; {missing} were missing and "
        f"{would} added; {sum(page.unreadable for page in pages)} unreadable."
    )
    if dry_run:
        render.rehearsed(console, [rehearsal for page in pages for rehearsal in page.rehearsed])


async def _rehearse(
    engine: Engine, merchant_id: MerchantId, selection: EventFilter
) -> list[Rehearsed]:
    found: list[Rehearsed] = []
    selected = await engine.replay.selected(merchant_id, selection)
    with _counting("Rehearsing", len(selected)) as count:
        for part in _parts(selection, selected, MOST_REHEARSED):
            rehearsal = await engine.replay.rehearse(
                merchant_id, part, before=None, limit=MOST_REHEARSED
            )
            found += rehearsal.rehearsed
            count(len(rehearsal.rehearsed))
    return found


async def _replay(
    engine: Engine, caller: Caller, selection: EventFilter, per_second: float
) -> list[ProviderEvent]:
    """Replay the selected events, oldest first, part by part.

    Between two parts it waits as long as workers need for one part at ``per_second``.
    """
    found: list[ProviderEvent] = []
    selected = await engine.replay.selected(caller.merchant_id, selection)
    with _counting("Replaying", len(selected)) as count:
        for part in _parts(selection, selected, MOST_REPLAYED):
            if found:
                await asyncio.sleep(MOST_REPLAYED / per_second)
            replayed = await engine.replay.replay(
                caller, part, before=None, limit=MOST_REPLAYED, per_second=per_second
            )
            found += replayed.events[::-1]
            count(len(replayed.events))
    return found


def _parts(
    selection: EventFilter, selected: Sequence[ProviderEventId], size: int
) -> Iterator[EventFilter]:
    """Split the selected events into parts of ``size``, in their order: one filter for each."""
    for first in range(0, len(selected), size):
        yield selection._replace(ids=selected[first : first + size])


async def _backfill(
    engine: Engine,
    caller: Caller,
    account_id: ProviderAccountId,
    span: Span,
    *,
    dry_run: bool,
) -> list[Backfilled]:
    pages: list[Backfilled] = []
    with _counting("Reading the provider's list") as count:
        while True:
            page = await engine.backfill.page(caller, account_id, span, dry_run=dry_run)
            pages.append(page)
            count(page.listed)
            if page.next_cursor is None:
                return pages
            span = Span(span.since, span.until, page.next_cursor)


@contextmanager
def _counting(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar while the block runs; yield the function that adds to it.

    ``total`` is the number of items, None if it is not known.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=notes, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)


def _selection(
    status: EventStatus | None,
    event_type: str | None,
    account: str | None,
    reason: str | None,
    events: Sequence[ProviderEventId] | None,
    received_from: datetime | None,
    received_before: datetime | None,
) -> EventFilter:
    account_id = None
    if account is not None:
        account_id = ProviderAccountId(ids.parse("provider_account", account))
    return EventFilter(
        status, event_type, account_id, reason, events, received_from, received_before
    )


def _operator(merchant: str) -> Caller:
    return operator().acting_for(ids.parse_merchant(merchant))


def _event_id(text: str) -> ProviderEventId:
    return ProviderEventId(ids.parse("provider_event", text))


def _show_rehearsed(rehearsed: Sequence[Rehearsed], *, as_json: bool) -> None:
    if as_json:
        _print_json([RehearsedView.of(rehearsal) for rehearsal in rehearsed])
    else:
        render.rehearsed(console, rehearsed)


def _print_json(views: Sequence[View]) -> None:
    print(json.dumps([view.model_dump(mode="json") for view in views]))
