"""The provider's books in the demonstration: disputes, refunds and payouts, and the balances."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from groat.accounts.domain import chart
from groat.app.onboarding import Onboarded, ProviderSite
from groat.app.wiring import Engine
from groat.merchants.domain.credentials import ProviderName
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import PaymentFilter

FEED_SECONDS = 1.0
"""Seconds between two readings of a provider's list, in the demonstration."""

_PATIENCE_SECONDS = 60.0
"""Maximum seconds to wait until the workers have read the lists of the providers."""

_POLL_SECONDS = 0.2
"""Seconds between two comparisons of the balances."""

_MOVES: dict[ProviderName, list[tuple[str, dict[str, Any]]]] = {
    "stripe": [
        ("book", {"kind": "stripe_fee", "category": "fee", "amount": -90, "currency": "eur"}),
        ("reserve", {"amount": 50, "currency": "eur"}),
    ],
    "paypal": [("withdraw", {"amount": 100, "currency": "EUR"})],
}
"""Movements of no payment: a fee and a reserve at one provider, a payout at the other."""


async def cause_movements(http: httpx.AsyncClient, engine: Engine, merchant: Onboarded) -> None:
    """Cause disputes, refunds and payouts at the providers, which no call of the engine asks for.

    A provider with too few successful payments has no dispute and no refund.
    """
    wanted = PaymentFilter(status=Status.SUCCEEDED)
    newest = await engine.payment_queries.payments(
        merchant.merchant_id, wanted, after=None, limit=50
    )
    for site in merchant.sites:
        of_site = [
            one.provider_reference
            for one in newest
            if one.order.provider_account_id == site.account_id and not one.refunded
        ]
        control = f"{site.base}/_simulator"
        if len(of_site) > 1:
            disputed, refunded = {"id": of_site[0]}, {"id": of_site[1], "amount": 50}
            await _act(http, f"{control}/triggers/dispute", disputed)
            await _act(http, f"{control}/triggers/dispute_lost", disputed)
            await _act(http, f"{control}/actions/refund", refunded)
            for action, parameters in _MOVES[site.provider]:
                await _act(http, f"{control}/actions/{action}", parameters)


async def balances_equal(http: httpx.AsyncClient, engine: Engine, merchant: Onboarded) -> bool:
    """Wait until our account of the money at each provider equals the provider's own balance.

    Return False if it does not within a minute.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if all([await _is_equal(http, engine, merchant, site) for site in merchant.sites]):
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)


async def _is_equal(
    http: httpx.AsyncClient, engine: Engine, merchant: Onboarded, site: ProviderSite
) -> bool:
    answer = await http.get(f"{site.base}/_simulator/balances")
    told = answer.raise_for_status().json()["balances"]
    theirs = {one["currency"]: one["total"] for one in told}
    ours = {currency: await _ours(engine, merchant, site, currency) for currency in theirs}
    return ours == theirs


async def _ours(engine: Engine, merchant: Onboarded, site: ProviderSite, currency: str) -> int:
    """Return our account of the money at a provider: the available and the withheld part."""
    total = 0
    for purpose in ("provider", "reserve"):
        code = chart.at_provider(purpose, site.account_id, currency).code
        found = await engine.account_queries.page(merchant.merchant_id, code=code, limit=1)
        total += sum(one.balance for one in found)
    return total


async def _act(http: httpx.AsyncClient, url: str, parameters: dict[str, Any]) -> None:
    (await http.post(url, json=parameters)).raise_for_status()
