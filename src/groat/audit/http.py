"""``/v1/audit-records``: a merchant's audit records, newest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import JsonValue

from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.ids import RecordId
from groat.platform.http.edge import CallerOf, StrictRoute
from groat.platform.http.paging import (
    Page,
    Paging,
    PagingDependency,
)


def router(audit: AuditService, paging: PagingDependency) -> APIRouter:
    """Return the routes of the audit trail."""
    routes = APIRouter(prefix="/v1/audit-records", tags=["audit records"], route_class=StrictRoute)

    @routes.get("", summary="List audit records")
    async def list_records(
        caller: CallerOf,
        paging: Annotated[Paging, Depends(paging)],
        object: Annotated[  # noqa: A002
            str | None,
            Query(description="List only the records of the object with this id."),
        ] = None,
    ) -> Page[JsonValue]:
        rows = await audit.page(
            caller.merchant_id,
            object_id=None if object is None else ids.parse_any(object),
            before=RecordId(paging.after_id) if paging.after_id else None,
            limit=paging.rows,
        )
        return paging.page(rows, lambda row: row[1], lambda row: row[0])

    return routes
