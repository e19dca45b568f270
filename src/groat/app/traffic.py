"""Payments as a merchant's system would send them: many at a time, over HTTP, some of them bad."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
AT_ONCE = 16
_DECLINED_SHARE = 0.15

_GOOD: dict[ProviderName, tuple[str, ...]] = {
    "stripe": ("pm_card_visa", "pm_card_mastercard"),
    "paypal": ("card:vault_visa",),
}
_BAD: dict[ProviderName, tuple[str, ...]] = {
    "stripe": ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"),
    "paypal": (
        "card:vault_declined",
        "card:vault_insufficient_funds",
        "card:vault_instrument_declined",
    ),
}
"""Payment methods that the simulators accept, and that they decline."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What share of the payments is authorized first, and what share is refunded in part."""

    manual_share: float
    refunded_share: float


PLAIN = Plan(manual_share=0, refunded_share=0)
VARIED = Plan(manual_share=0.2, refunded_share=0.25)


@dataclass(frozen=True, slots=True)
class Intention:
    """A request for a payment, and how much of it is to be given back afterwards."""

    order: dict[str, Any]
    refund: int | None

    @property
    def reference(self) -> str:
        """What the payment is called, and its requests' keys begin with."""
        return str(self.order["reference"])


@dataclass(frozen=True, slots=True)
class Taken:
    """How long the call for a payment took, and how much of it the provider, in seconds."""

    seconds: float
    provider_seconds: float


class TrafficFailed(GroatError):
    """Something did not go as it must; the message says what."""


async def take_payments(
    base: str,
    merchant: Onboarded,
    label: str,
    payments: int,
    paid: Callable[[Taken], None],
    plan: Plan = PLAIN,
    at_once: int = AT_ONCE,
) -> None:
    """Take ``payments`` payments, ``at_once`` at a time; ``paid`` is told of each.

    ``label`` tells this run from the merchant's others: in its wallet, references and keys.

    Raises:
        TrafficFailed: a call was not answered with success.
    """
    key = {"authorization": f"Bearer {merchant.api_key}"}
    async with httpx.AsyncClient(base_url=base, headers=key, timeout=60) as api:
        wallet = await _open_wallet(api, label)
        intentions = _intentions(merchant.sites, wallet, label, payments, plan)

        async def take_in_turn() -> None:
            for one in intentions:
                started = time.perf_counter()
                answer = await _call(api, "/v1/payments", one.order, key=one.reference)
                paid(Taken(time.perf_counter() - started, _provider_seconds(answer)))
                await _follow_up(api, one, answer.json())

        await asyncio.gather(*(take_in_turn() for _ in range(at_once)))


async def _follow_up(api: httpx.AsyncClient, one: Intention, payment: dict[str, Any]) -> None:
    """Capture what is authorized, and give back what is to be given back."""
    if payment["status"] == "authorized":
        path = f"/v1/payments/{payment['id']}/capture"
        payment = (await _call(api, path, {}, key=f"{one.reference}-capture")).json()
    if payment["status"] == "succeeded" and one.refund is not None:
        refund = {"payment": payment["id"], "amount": one.refund}
        await _call(api, "/v1/refunds", refund, key=f"{one.reference}-refund")


async def _open_wallet(api: httpx.AsyncClient, label: str) -> str:
    order = {"code": f"wallet:{label}", "currency": "EUR"}
    wallet: str = (await _call(api, "/v1/accounts", order)).json()["id"]
    return wallet


def _intentions(
    sites: Sequence[ProviderSite], wallet: str, label: str, payments: int, plan: Plan
) -> Iterator[Intention]:
    """Yield requests for payments, the providers in turn, the same ones every time."""
    random = Random(SEED)  # noqa: S311 - a demonstration that can be repeated
    for number, site in zip(range(payments), itertools.cycle(sites), strict=False):
        methods = _BAD if random.random() < _DECLINED_SHARE else _GOOD
        amount = random.randint(100, 25_000)
        order = {
            "amount": amount,
            "currency": "EUR",
            "beneficiary": wallet,
            "provider_account": ids.render("provider_account", site.account_id),
            "payment_method": random.choice(methods[site.provider]),
            "reference": f"{label}-{number}",
        }
        if random.random() < plan.manual_share:
            order["capture_method"] = "manual"
        refund = amount // 2 if random.random() < plan.refunded_share else None
        yield Intention(order, refund)


async def _call(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None = None
) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    answer = await api.post(path, json=body, headers=headers)
    if not answer.is_success:
        raise TrafficFailed("payment_not_taken", f"{path} answered {answer.text}")
    return answer


def _provider_seconds(answer: httpx.Response) -> float:
    """Return how long the provider was waited for, as the answer itself says."""
    spent = re.search(r"provider;dur=([0-9.]+)", answer.headers.get("server-timing", ""))
    return float(spent[1]) / 1000 if spent else 0.0


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
