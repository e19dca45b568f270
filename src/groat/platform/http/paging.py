"""Pages of lists. A signed cursor marks the start of the next page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import MerchantId
from groat.platform.crypto import Vault
from groat.platform.http.edge import CallerOf, View

Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=100, description="Maximum items in the page.")]
Cursor = Annotated[str | None, Query(description="The `next_cursor` of the previous page.")]


class Page(View, Generic[Item]):
    """One page of a list. ``next_cursor`` requests the next page; it is null on the last page."""

    object: Literal["list"] = "list"
    data: list[Item]
    has_more: bool = False
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Cursors:
    """Signs the place in a list at which the next page starts, and checks the signatures.

    A cursor is valid for one merchant and one list, which its path identifies.
    """

    vault: Vault
    merchant_id: MerchantId
    path: str

    def sign(self, place: str | None) -> str | None:
        """Return the cursor for ``place``, or None at the end of the list."""
        return None if place is None else self.vault.sign(place, self._list)

    def sign_id(self, place: UUID | None) -> str | None:
        """Return the cursor for an id, or None at the end of the list."""
        return self.sign(None if place is None else str(place))

    def place(self, cursor: str | None) -> str | None:
        """Return the place that ``cursor`` was signed for, or None without a cursor.

        Raises:
            InvalidRequest: ``invalid_cursor``; the cursor was not signed for this list.
        """
        if cursor is None:
            return None
        place = self.vault.signed_text(cursor, self._list)
        if place is None:
            raise InvalidRequest(
                "invalid_cursor",
                "The cursor must be the `next_cursor` of this list's previous page. The first page "
                "needs no cursor.",
            )
        return place

    @property
    def _list(self) -> bytes:
        return f"{self.merchant_id} {self.path}".encode()


@dataclass(frozen=True, slots=True)
class Paging:
    """The requested page of a list: ``limit`` items after the place ``after``."""

    limit: int
    after: str | None
    sign: Callable[[str | None], str | None]

    @property
    def after_id(self) -> UUID | None:
        """The place ``after``, for a list that is ordered by ids."""
        return None if self.after is None else UUID(self.after)

    @property
    def rows(self) -> int:
        """Rows to read: one more than the limit, which shows whether another page follows."""
        return self.limit + 1

    def page(
        self,
        rows: Sequence[Row],
        view: Callable[[Row], Item],
        place: Callable[[Row], str | UUID],
    ) -> Page[Item]:
        """Return the page with ``rows``; ``place`` returns the place of a row in the list."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(
            data=[view(row) for row in shown],
            has_more=more,
            next_cursor=self.sign(str(place(shown[-1]))) if more else None,
        )


async def _cursors(request: Request, caller: CallerOf) -> Cursors:
    return Cursors(request.app.state.vault, caller.merchant_id, request.url.path)


CursorsOf: TypeAlias = Annotated[Cursors, Depends(_cursors)]
"""The cursors of the list that a request asks for."""


async def _paging(cursors: CursorsOf, cursor: Cursor = None, limit: Limit = 20) -> Paging:
    return Paging(limit, cursors.place(cursor), cursors.sign)


PagingOf: TypeAlias = Annotated[Paging, Depends(_paging)]
"""The page that a request asks for with ``cursor`` and ``limit``."""
