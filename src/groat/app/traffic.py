"""Payments as a merchant's system would send them: many at a time, over HTTP, some of them bad."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import httpx

from groat.app.onboarding import Onboarded, ProviderSite
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.errors import GroatError
from groat.merchants.domain.credentials import ProviderName

SEED = 20
SETTLE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_AT_ONCE = 16
_DECLINED_SHARE = 0.15

_GOOD: dict[ProviderName, tuple[str, ...]] = {
    "stripe": ("pm_card_visa", "pm_card_mastercard"),
    "paypal": ("vault_visa",),
}
_BAD: dict[ProviderName, tuple[str, ...]] = {
    "stripe": ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"),
    "paypal": ("vault_declined", "vault_insufficient_funds", "vault_instrument_declined"),
}
"""Payment methods that the simulators accept, and that they decline."""


class TrafficFailed(GroatError):
    """Something did not go as it must; the message says what."""


async def take_payments(
    base: str, merchant: Onboarded, label: str, payments: int, paid: Callable[[float], None]
) -> None:
    """Take ``payments`` payments; ``paid`` is told of each, with the seconds that its call took.

    ``label`` tells this run from the merchant's others: in its wallet, references and keys.

    Raises:
        TrafficFailed: a call was not answered with success.
    """
    key = {"authorization": f"Bearer {merchant.api_key}"}
    async with httpx.AsyncClient(base_url=base, headers=key, timeout=60) as api:
        wallet = await _open_wallet(api, label)
        orders = _orders(merchant.sites, wallet, label, payments)

        async def take_in_turn() -> None:
            for order in orders:
                started = time.perf_counter()
                await _call(api, "/v1/payments", order, key=order["reference"])
                paid(time.perf_counter() - started)

        await asyncio.gather(*(take_in_turn() for _ in range(_AT_ONCE)))


async def _open_wallet(api: httpx.AsyncClient, label: str) -> str:
    order = {"code": f"wallet:{label}", "currency": "EUR"}
    account = await _call(api, "/v1/accounts", order)
    wallet: str = account["id"]
    return wallet


def _orders(
    sites: Sequence[ProviderSite], wallet: str, label: str, payments: int
) -> Iterator[dict[str, Any]]:
    """Yield requests for payments, the providers in turn, the same ones every time."""
    random = Random(SEED)  # noqa: S311 - a demonstration that can be repeated
    for number, site in zip(range(payments), itertools.cycle(sites), strict=False):
        methods = _BAD if random.random() < _DECLINED_SHARE else _GOOD
        yield {
            "amount": random.randint(100, 25_000),
            "currency": "EUR",
            "beneficiary": wallet,
            "provider_account": ids.render("provider_account", site.account_id),
            "payment_method": random.choice(methods[site.provider]),
            "reference": f"{label}-{number}",
        }


async def _call(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None = None
) -> dict[str, Any]:
    headers = {} if key is None else {"idempotency-key": key}
    answer = await api.post(path, json=body, headers=headers)
    if not answer.is_success:
        raise TrafficFailed("payment_not_taken", f"{path} answered {answer.text}")
    document: dict[str, Any] = answer.json()
    return document


async def until_settled(http: httpx.AsyncClient, engine: Engine, merchant: Onboarded) -> int:
    """Return how many webhooks were acknowledged, once no provider has any left, nor we.

    A payment whose call had no readable answer is waited for too: a webhook tells how it ended.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        answers = [await http.get(f"{site.base}/_simulator/deliveries") for site in merchant.sites]
        deliveries = [answer.raise_for_status().json() for answer in answers]
        undelivered = sum(one["pending"] for one in deliveries)
        unapplied = (await engine.drain.counts(merchant.merchant_id)).pending
        if undelivered + unapplied == 0:
            return sum(one["acknowledged"] for one in deliveries)
        if time.monotonic() > deadline:
            raise TrafficFailed(
                "demonstration_not_settled",
                f"After {SETTLE_SECONDS:.0f} s {undelivered} webhooks are undelivered and "
                f"{unapplied} unapplied.",
            )
        await asyncio.sleep(_POLL_SECONDS)
