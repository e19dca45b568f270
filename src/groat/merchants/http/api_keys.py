"""``/v1/api-keys``: list, create, roll and revoke a merchant's API keys."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field

from groat.kernel.ids import ApiKeyId
from groat.kernel.scopes import Access, Room
from groat.merchants.domain.api_keys import EVERY_ACCESS, LONGEST_OVERLAP, KeyOrder, StoredKey
from groat.merchants.service.api_keys import ApiKeyService, CreatedKey
from groat.platform.http.edge import (
    Body,
    CallerOf,
    IdText,
    Moment,
    NoFields,
    RouteTable,
    Text,
    View,
)
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Page

ApiKeyIdText = Annotated[ApiKeyId, IdText("api_key")]

Scopes = Annotated[
    list[Text],
    Field(
        min_length=1,
        max_length=100,
        description="Each is a room and an access, as `payments:write`, or an access for every "
        "room, as `read`. No access includes another.",
        examples=[["read", "payments:write"]],
    ),
]


class NewApiKey(Body):
    """An API key to create. It cannot have scopes that the calling key lacks."""

    name: Text | None = Field(default=None, examples=["Shop"])
    scopes: Scopes = Field(default_factory=lambda: list(EVERY_ACCESS))
    expires_at: Moment | None = None


class KeyRoll(Body):
    """The time for which the rolled key still works, in seconds."""

    overlap_seconds: int = Field(
        default=86_400, ge=0, le=int(LONGEST_OVERLAP.total_seconds()), examples=[86_400]
    )


class ApiKeyView(View):
    """An API key without its secret. ``last_used_at`` may be a minute old."""

    object: Literal["api_key"] = "api_key"
    id: ApiKeyIdText
    name: str | None
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: StoredKey) -> Self:
        """Return the view of ``key``."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=list(key.scopes),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )


class CreatedKeyView(ApiKeyView):
    """A new API key with its ``secret``, the text that calls are sent with. It is shown once."""

    secret: str

    @classmethod
    def of_created(cls, created: CreatedKey) -> Self:
        """Return the view of a new key."""
        return cls(**dict(ApiKeyView.of(created.stored)), secret=str(created.secret))


class ApiKeyRoutes:
    """Handlers of API keys."""

    def __init__(self, keys: ApiKeyService) -> None:
        self._keys = keys

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.MERCHANTS, "/v1/api-keys", "API keys")
        routes.get("", self.list_keys)
        routes.post("", self.create, Access.ADMIN, status=HTTPStatus.CREATED)
        routes.post("/{key_id}/roll", self.roll, Access.ADMIN, status=HTTPStatus.CREATED)
        routes.post("/{key_id}/revoke", self.revoke, Access.ADMIN)
        return routes.router

    async def list_keys(self, caller: CallerOf) -> Page[ApiKeyView]:
        """List all API keys, newest first. There is only one page."""
        return Page(data=list(map(ApiKeyView.of, await self._keys.all_of(caller.merchant_id))))

    async def create(self, body: NewApiKey, caller: CallerOf, keyed: KeyedOf) -> CreatedKeyView:
        """Create an API key."""
        order = KeyOrder(body.name, tuple(body.scopes), body.expires_at)
        once = keyed.once(CreatedKeyView.of_created)
        return CreatedKeyView.of_created(await self._keys.create(caller, order, once))

    async def roll(
        self,
        key_id: ApiKeyIdText,
        caller: CallerOf,
        keyed: KeyedOf,
        body: KeyRoll | None = None,
    ) -> CreatedKeyView:
        """Replace an API key by a new one; both work until the overlap ends."""
        overlap = timedelta(seconds=(body or KeyRoll()).overlap_seconds)
        once = keyed.once(CreatedKeyView.of_created)
        return CreatedKeyView.of_created(await self._keys.roll(caller, key_id, overlap, once))

    async def revoke(
        self, key_id: ApiKeyIdText, caller: CallerOf, keyed: KeyedOf, _: NoFields | None = None
    ) -> ApiKeyView:
        """Revoke an API key."""
        once = keyed.once(ApiKeyView.of)
        return ApiKeyView.of(await self._keys.revoke(caller, key_id, once))
