"""``/v1/provider-accounts/{id}/backfill``: store events that the provider only lists."""

from typing import Literal, Self

from fastapi import APIRouter

from groat.inbox.http.events import BodyCursor, RehearsedView
from groat.inbox.service.backfill import Backfilled, EventBackfill, Span
from groat.kernel.scopes import Access, Room
from groat.platform.http.edge import Body, CallerOf, Moment, ProviderAccountIdText, RouteTable, View
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import CursorsOf


class BackfillRequest(Body):
    """The span of the provider's list to compare with the inbox; ``until`` is now by default.

    With ``dry_run`` nothing changes, and the answer shows the effects that a backfill would have.
    """

    since: Moment
    until: Moment | None = None
    dry_run: bool = False
    cursor: BodyCursor = None


class BackfillView(View):
    """The result for one page of the provider's list; ``next_cursor`` requests the next page.

    ``missing`` are the provider's ids of events that were not in the inbox. They are stored now; in
    a dry run they are not, and ``would_be`` shows the effect of each. ``unreadable`` is the number
    of events without an id or a type, which cannot be stored.
    """

    object: Literal["backfill"] = "backfill"
    listed: int
    missing: list[str]
    unreadable: int
    would_be: list[RehearsedView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Backfilled, next_cursor: str | None) -> Self:
        """Return the view of ``page``."""
        return cls(
            listed=page.listed,
            missing=[event.provider_reference for event in page.missing],
            unreadable=page.unreadable,
            would_be=[RehearsedView.of(rehearsed) for rehearsed in page.rehearsed],
            next_cursor=next_cursor,
        )


class BackfillRoutes:
    """Handler that fills the inbox from a provider's list of events."""

    def __init__(self, backfills: EventBackfill) -> None:
        self._backfills = backfills

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.INBOX, "/v1/provider-accounts", "provider events")
        routes.post("/{account_id}/backfill", self.backfill, Access.ADMIN)
        return routes.router

    async def backfill(
        self,
        account_id: ProviderAccountIdText,
        body: BackfillRequest,
        caller: CallerOf,
        cursors: CursorsOf,
        keyed: KeyedOf,
    ) -> BackfillView:
        """Backfill provider events."""
        span = Span(body.since, body.until, cursors.place(body.cursor))

        def view(page: Backfilled) -> BackfillView:
            return BackfillView.of(page, cursors.sign(page.next_cursor))

        return view(
            await self._backfills.page(
                caller, account_id, span, dry_run=body.dry_run, once=keyed.once(view)
            )
        )
