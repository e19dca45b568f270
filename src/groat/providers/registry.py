"""Create the adapters of provider accounts, and cache them for a few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from groat.kernel import ids
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.merchants.domain.credentials import ProviderName
from groat.merchants.service.merchants import MerchantService
from groat.platform.redis.breaker import Breakers
from groat.providers.adapters import Adapter
from groat.providers.guard import GuardedProvider

_FRESH_SECONDS = 5.0
"""Seconds for which credentials are cached. Rotated ones reach every process within this time."""


@dataclass(slots=True)
class _KeptProvider:
    provider: GuardedProvider
    credentials: Mapping[str, str]
    read_at: float


class ProviderRegistry:
    """Return adapters of provider accounts, and read their credentials again every few seconds."""

    def __init__(
        self,
        merchants: MerchantService,
        adapters: Mapping[ProviderName, Adapter],
        breakers: Breakers,
        *,
        timeout_seconds: float,
    ) -> None:
        self._merchants = merchants
        self._adapters = adapters
        self._breakers = breakers
        self._timeout_seconds = timeout_seconds
        self._kept: dict[tuple[MerchantId, ProviderAccountId], _KeptProvider] = {}
        self._reading: dict[
            tuple[MerchantId, ProviderAccountId], asyncio.Task[GuardedProvider]
        ] = {}
        self._retired: list[GuardedProvider] = []

    async def get(self, merchant_id: MerchantId, account_id: ProviderAccountId) -> GuardedProvider:
        """Return the adapter of a provider account.

        Callers that ask for the same account at the same time share one read of its credentials.

        Raises:
            NotFound: the merchant has no such account.
            Unavailable: ``provider_not_installed``; this process has no adapter for the account's
                provider.
        """
        key = merchant_id, account_id
        provider = self.kept(*key)
        if provider is not None:
            return provider
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.create_task(self._read(*key))
            reading.add_done_callback(lambda _: self._reading.pop(key))
        return await asyncio.shield(reading)

    def kept(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> GuardedProvider | None:
        """Return the cached adapter of an account; None if its credentials are not fresh."""
        kept = self._kept.get((merchant_id, account_id))
        if kept is None or kept.read_at <= time.monotonic() - _FRESH_SECONDS:
            return None
        return kept.provider

    async def _read(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> GuardedProvider:
        account = await self._merchants.provider_account(merchant_id, account_id)
        kept = self._kept.get((merchant_id, account_id))
        if kept is not None and kept.credentials == account.credentials:
            kept.read_at = time.monotonic()
            return kept.provider
        if kept is not None:
            self._retired.append(kept.provider)  # a call on it may be in progress
        adapter = self._adapter(account.provider)
        seconds = self._timeout_seconds
        adapted = adapter(account.credentials, timeout_seconds=seconds)
        provider = GuardedProvider(
            adapted, ids.render("provider_account", account_id), self._breakers, seconds
        )
        self._kept[merchant_id, account_id] = _KeptProvider(
            provider, account.credentials, time.monotonic()
        )
        return provider

    def _adapter(self, provider: ProviderName) -> Adapter:
        adapter = self._adapters.get(provider)
        if adapter is None:
            raise Unavailable(
                "provider_not_installed",
                f"This process has no adapter for {provider!r}. Install the adapter's package and "
                "restart the process.",
            )
        return adapter

    async def close(self) -> None:
        """Close every adapter, including those replaced after a rotation of credentials."""
        for provider in [*self._retired, *(kept.provider for kept in self._kept.values())]:
            await provider.close()
