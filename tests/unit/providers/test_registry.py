from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest

from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.merchants.domain.credentials import ProviderAccount
from groat.platform.redis.breaker import Breakers
from groat.providers.adapters import Adapter
from groat.providers.registry import ProviderRegistry

BREAKERS = Breakers(None, Mock(), SystemClock())


class Merchants:
    """Has one account, at a provider whose adapter was installed when it was made."""

    async def provider_account(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> ProviderAccount:
        return ProviderAccount(merchant_id, account_id, "pebble", "Main", {"api_key": "hunter2"})


async def test_an_account_without_its_adapter_is_unavailable_until_the_adapter_returns() -> None:
    registry = ProviderRegistry(Merchants(), {}, BREAKERS, timeout_seconds=1)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="'pebble'") as refused:
        await registry.get(MerchantId(1), ProviderAccountId(ids.uuid7()))
    assert refused.value.code == "provider_not_installed"
    assert "hunter2" not in refused.value.message


class SlowMerchants(Merchants):
    """Counts how often the account is read, which takes as long as it is told to."""

    def __init__(self) -> None:
        self.reads = 0
        self.ready = asyncio.Event()

    async def provider_account(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> ProviderAccount:
        self.reads += 1
        await self.ready.wait()
        return await super().provider_account(merchant_id, account_id)


async def test_an_account_is_read_once_for_concurrent_callers() -> None:
    merchants, adapter = SlowMerchants(), Mock()
    registry = ProviderRegistry(merchants, {"pebble": adapter}, BREAKERS, timeout_seconds=1)  # type: ignore[arg-type]
    key = MerchantId(1), ProviderAccountId(ids.uuid7())
    impatient, *patient = [asyncio.create_task(registry.get(*key)) for _ in range(3)]
    await asyncio.sleep(0)
    impatient.cancel()
    merchants.ready.set()
    one, other = await asyncio.gather(*patient)
    assert one is other
    assert one.captures_once is adapter.return_value.operations.captures_once
    adapter.assert_called_once()
    assert merchants.reads == 1


async def test_a_failed_read_of_an_account_is_not_cached() -> None:
    adapters: dict[str, Adapter] = {}
    registry = ProviderRegistry(Merchants(), adapters, BREAKERS, timeout_seconds=1)  # type: ignore[arg-type]
    key = MerchantId(1), ProviderAccountId(ids.uuid7())
    with pytest.raises(Unavailable):
        await registry.get(*key)
    adapters["pebble"] = adapter = Mock()
    kept = await registry.get(*key)
    assert kept.captures_once is adapter.return_value.operations.captures_once
