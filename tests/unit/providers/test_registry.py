from __future__ import annotations

import pytest

from groat.kernel import ids
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.merchants.domain.credentials import ProviderAccount
from groat.providers.registry import ProviderRegistry


class Merchants:
    """Has one account, at a provider whose adapter was installed when it was made."""

    async def provider_account(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> ProviderAccount:
        return ProviderAccount(merchant_id, account_id, "pebble", "Main", {"api_key": "hunter2"})


async def test_an_account_whose_adapter_is_gone_is_unavailable_until_it_is_back() -> None:
    registry = ProviderRegistry(Merchants(), {}, timeout_seconds=1)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="'pebble'") as refused:
        await registry.get(MerchantId(1), ProviderAccountId(ids.uuid7()))
    assert refused.value.code == "provider_not_installed"
    assert "hunter2" not in refused.value.message
