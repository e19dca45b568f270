"""``/v1/provider-accounts``: a merchant's provider accounts, without their credentials."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter

from groat.merchants.domain.credentials import ProviderAccountName
from groat.merchants.service import MerchantService
from groat.platform.http.edge import CallerOf, StrictRoute, View
from groat.platform.http.ids import ProviderAccountIdText


class ProviderAccountView(View):
    """A merchant's account at a provider. The API never returns its credentials."""

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


class ProviderAccounts(View):
    """All provider accounts of the merchant, oldest first. There is only one page."""

    data: list[ProviderAccountView]


def router(merchants: MerchantService) -> APIRouter:
    """Return the routes of provider accounts."""
    routes = APIRouter(
        prefix="/v1/provider-accounts", tags=["provider accounts"], route_class=StrictRoute
    )

    @routes.get("", summary="List provider accounts")
    async def list_accounts(caller: CallerOf) -> ProviderAccounts:
        listed = await merchants.provider_accounts(caller.merchant_id)
        return ProviderAccounts(data=list(map(ProviderAccountView.of, listed)))

    return routes
