"""Set up the demonstration merchant: its API key and its accounts at the simulated providers."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from groat.accounts.domain.chart import wallet
from groat.app.operators import operator
from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import Conflict, Unauthenticated
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId
from groat.merchants.domain.credentials import ProviderName
from groat.platform.embedded.places import write_private
from groat.platform.process.settings import Settings
from groat.simulator.sites import SIMULATED

_ORIGIN = "groat.example/demonstration"
"""Name of the log of audit records."""

_FIRST_WALLET = "wallet:first"
"""Code of the wallet that receives the first payment."""


@dataclass(frozen=True, slots=True)
class ProviderSite:
    """The simulator of a provider at the address ``base``, and the merchant's account there."""

    provider: ProviderName
    base: str
    account_id: ProviderAccountId


@dataclass(frozen=True, slots=True)
class Onboarded:
    """The demonstration merchant, its API key in clear text, and its accounts at simulators."""

    merchant_id: MerchantId
    api_key: str
    sites: tuple[ProviderSite, ...]


async def onboard(
    settings: Settings, name: str, api: str, bases: dict[ProviderName, str]
) -> Onboarded:
    """Create the log's key, the merchant ``name`` and its provider accounts, unless they exist.

    Each run registers the webhook endpoints again, because simulators keep nothing between runs.
    """
    async with open_engine(settings) as engine:
        with suppress(Conflict):
            await engine.audit_keys.init(operator(), _ORIGIN)
        found = await engine.merchants.find(name)
        merchant_id = found or await engine.merchants.create(operator(), name)
        caller = operator().acting_for(merchant_id)
        key = await _api_key(engine, caller, settings.home / "demonstration.json")
        sites = [
            ProviderSite(provider, base, await _open_account(engine, caller, api, provider, base))
            for provider, base in bases.items()
        ]
    return Onboarded(merchant_id, key, tuple(sites))


async def first_wallet(settings: Settings, merchant_id: MerchantId) -> AccountId:
    """Return the wallet that receives the first payment; open it if it does not exist."""
    async with open_engine(settings) as engine:
        caller = operator().acting_for(merchant_id)
        try:
            return (await engine.accounts.create(caller, wallet(_FIRST_WALLET, "EUR"))).id
        except Conflict:
            accounts = await engine.account_queries.page(merchant_id, after=None, limit=100)
            return next(account.id for account in accounts if account.spec.code == _FIRST_WALLET)


async def _api_key(engine: Engine, caller: Caller, kept: Path) -> str:
    """Return the API key of the last run if it is still valid, else create and store a new one."""
    key = _read_key(kept)
    try:
        await engine.api_keys.authenticate(key)
    except Unauthenticated:
        key = str((await engine.api_keys.create(caller)).secret)
        write_private(kept, json.dumps({"api_key": key}))
    return key


def _read_key(kept: Path) -> str:
    """Return the key in the file ``kept``. If it is missing, return empty text: no valid key."""
    if not kept.exists():
        return ""
    key: str = json.loads(kept.read_text(encoding="utf-8"))["api_key"]
    return key


async def _open_account(
    engine: Engine, caller: Caller, api: str, provider: ProviderName, base: str
) -> ProviderAccountId:
    """Create a provider account that receives webhooks.

    Store its credentials, register the webhook address at the provider, then store the webhook
    credentials that the provider returns.
    """
    simulated = SIMULATED[provider]
    credentials = {"api_base": base, **simulated.credentials}
    name = f"{provider} simulator"
    account_id = await engine.merchants.put_provider_account(caller, provider, name, credentials)
    address = "/".join(
        [
            f"{api}/webhooks",
            ids.render_merchant(caller.merchant_id),
            ids.render("provider_account", account_id),
        ]
    )
    async with httpx.AsyncClient(base_url=base, timeout=10) as http:
        verification = await simulated.register(http, address)
    return await engine.merchants.put_provider_account(
        caller, provider, name, {**credentials, **verification}
    )
