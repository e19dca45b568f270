"""``/v1/events``: the record, newest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import JsonValue

from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import RecordId
from groat.platform.http import Authenticate, Cursor, Limit, Page, StrictRoute


def router(audit: AuditService, authenticate: Authenticate) -> APIRouter:
    """Return the routes of this module."""
    routes = APIRouter(prefix="/v1/events", tags=["events"], route_class=StrictRoute)

    @routes.get("", summary="List events")
    async def list_events(
        caller: Annotated[Caller, Depends(authenticate)],
        object: Annotated[str | None, Query(description="The id of one object.")] = None,  # noqa: A002
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> Page[JsonValue]:
        rows = await audit.page(
            caller.merchant_id,
            object_id=None if object is None else ids.parse_any(object),
            before=None if cursor is None else RecordId(ids.parse("audit_record", cursor)),
            limit=limit + 1,
        )
        return Page.of(
            rows, limit, lambda row: row[1], lambda row: ids.render("audit_record", row[0])
        )

    return routes
