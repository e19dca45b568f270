"""``/v1/audit-records`` and ``/v1/audit-checkpoints``: records, proofs and checkpoints."""

from datetime import datetime
from typing import Annotated, Literal, Self, TypeAlias

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse
from pydantic import JsonValue

from groat.audit.domain.search import RecordFilter
from groat.audit.infrastructure.log import ListedCheckpoint
from groat.audit.service.proofs import LogProofs
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.ids import RecordId
from groat.kernel.scopes import Room
from groat.platform.http.edge import CallerOf, IdText, Moment, RouteTable, View
from groat.platform.http.paging import Page, PagingOf

RecordIdText = Annotated[RecordId, IdText("audit_record")]


async def _filter(
    object: Annotated[  # noqa: A002
        str | None,
        Query(description="List only the records of the object with this id."),
    ] = None,
    action: Annotated[
        str | None,
        Query(description="List only the records of this action, such as `payment.captured`."),
    ] = None,
    actor: Annotated[
        str | None, Query(description="List only the records of this actor, such as a key's id.")
    ] = None,
    since: Annotated[
        Moment | None, Query(description="List only the records from this time on.")
    ] = None,
    until: Annotated[
        Moment | None, Query(description="List only the records before this time.")
    ] = None,
) -> RecordFilter:
    object_id = None if object is None else ids.parse_any(object)
    return RecordFilter(object_id, action, actor, since, until)


RecordFilterOf: TypeAlias = Annotated[RecordFilter, Depends(_filter)]
"""The records that a request asks for."""


class CheckpointView(View):
    """A signed checkpoint of the log: ``note`` has its name, its size, its root and signatures."""

    object: Literal["audit_checkpoint"] = "audit_checkpoint"
    size: int
    note: str
    created_at: datetime

    @classmethod
    def of(cls, checkpoint: ListedCheckpoint) -> Self:
        """Return the checkpoint as the API shows it."""
        size, note, created_at = checkpoint
        return cls(size=size, note=note, created_at=created_at)


class AuditRoutes:
    """Handlers of audit records."""

    def __init__(self, audit: AuditService, proofs: LogProofs) -> None:
        self._audit = audit
        self._proofs = proofs

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.AUDIT, "/v1/audit-records", "audit records")
        routes.get("", self.list_records)
        routes.get_text("/{record_id}/proof", self.prove_record)
        return routes.router

    async def list_records(
        self, caller: CallerOf, paging: PagingOf, wanted: RecordFilterOf
    ) -> Page[JsonValue]:
        """List audit records."""
        before = RecordId(paging.after_id) if paging.after_id else None
        rows = await self._audit.page(caller.merchant_id, wanted, before=before, limit=paging.rows)
        return paging.page(rows, lambda row: row[1], lambda row: row[0])

    async def prove_record(self, caller: CallerOf, record_id: RecordIdText) -> PlainTextResponse:
        """Prove that an audit record is in the log.

        The proof is a text file in the format `c2sp.org/tlog-proof@v1`. It holds the record, its
        path in the Merkle tree, and the newest signed checkpoint. It can be checked without Groat.
        """
        proof = await self._proofs.inclusion(caller.merchant_id, record_id)
        return PlainTextResponse(proof.text())


class CheckpointRoutes:
    """Handlers of the checkpoints of the log, which all merchants share."""

    def __init__(self, proofs: LogProofs) -> None:
        self._proofs = proofs

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.AUDIT, "/v1/audit-checkpoints", "audit records")
        routes.get("", self.list_checkpoints)
        return routes.router

    async def list_checkpoints(self, _caller: CallerOf, paging: PagingOf) -> Page[CheckpointView]:
        """List signed checkpoints of the log, newest first.

        Keep one outside of Groat: then nobody can rewrite the log up to it unnoticed.
        """
        before = None if paging.after is None else int(paging.after)
        rows = await self._proofs.checkpoints(before=before, limit=paging.rows)
        return paging.page(rows, CheckpointView.of, lambda row: str(row.size))
