"""``/v1/provider-accounts``: a merchant's provider accounts, without their credentials."""

from datetime import datetime
from typing import Literal, Self

from fastapi import APIRouter

from groat.kernel.scopes import Room
from groat.merchants.domain.credentials import ProviderAccountName
from groat.merchants.service.merchants import MerchantService
from groat.platform.http.edge import CallerOf, ProviderAccountIdText, RouteTable, View
from groat.platform.http.paging import Page


class ProviderAccountView(View):
    """A merchant's account at a provider. The API never returns its credentials."""

    object: Literal["provider_account"] = "provider_account"
    id: ProviderAccountIdText
    provider: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, account: ProviderAccountName) -> Self:
        """Return the view of ``account``."""
        return cls(
            id=account.id,
            provider=account.provider,
            name=account.name,
            created_at=account.created_at,
        )


class ProviderAccountRoutes:
    """Handlers of provider accounts."""

    def __init__(self, merchants: MerchantService) -> None:
        self._merchants = merchants

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.MERCHANTS, "/v1/provider-accounts", "provider accounts")
        routes.get("", self.list_accounts)
        return routes.router

    async def list_accounts(self, caller: CallerOf) -> Page[ProviderAccountView]:
        """List all provider accounts, oldest first. There is only one page."""
        listed = await self._merchants.provider_accounts(caller.merchant_id)
        return Page(data=list(map(ProviderAccountView.of, listed)))
