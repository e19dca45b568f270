"""``/v1/audit-records``: a merchant's audit records, newest first."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import JsonValue

from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.ids import RecordId
from groat.kernel.scopes import Room
from groat.platform.http.edge import CallerOf, RouteTable
from groat.platform.http.paging import Page, PagingOf


class AuditRoutes:
    """Handlers of audit records."""

    def __init__(self, audit: AuditService) -> None:
        self._audit = audit

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.AUDIT, "/v1/audit-records", "audit records")
        routes.get("", self.list_records)
        return routes.router

    async def list_records(
        self,
        caller: CallerOf,
        paging: PagingOf,
        object: Annotated[  # noqa: A002
            str | None,
            Query(description="List only the records of the object with this id."),
        ] = None,
    ) -> Page[JsonValue]:
        """List audit records."""
        rows = await self._audit.page(
            caller.merchant_id,
            object_id=None if object is None else ids.parse_any(object),
            before=RecordId(paging.after_id) if paging.after_id else None,
            limit=paging.rows,
        )
        return paging.page(rows, lambda row: row[1], lambda row: row[0])
