"""Generate traffic of a merchant: concurrent payments over HTTP, some of which are declined."""

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
from groat.simulator.sites import SIMULATED

SEED = 20
"""Seed of the random choices, so that every run takes the same payments."""

SETTLE_SECONDS = 120.0
"""Maximum seconds to wait until every webhook is delivered and applied."""

_POLL_SECONDS = 0.1
"""Seconds between checks whether every webhook is applied."""

AT_ONCE = 16
"""Default number of payments in flight at once."""

_DECLINED_SHARE = 0.15
"""Share of the payments that use a payment method which the simulator declines."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Shares, from 0 to 1, of payments with manual capture and of payments to refund in part."""

    manual_share: float
    refunded_share: float


PLAIN = Plan(manual_share=0, refunded_share=0)
VARIED = Plan(manual_share=0.2, refunded_share=0.25)


@dataclass(frozen=True, slots=True)
class Intention:
    """A payment to take: the body of its request, and the amount to refund afterwards.

    ``refund`` is in minor units, None for no refund.
    """

    order: dict[str, Any]
    refund: int | None

    @property
    def reference(self) -> str:
        """The payment's reference. The idempotency keys of its requests begin with it."""
        return str(self.order["reference"])


@dataclass(frozen=True, slots=True)
class Taken:
    """Duration of the call that took a payment, and the provider's share of it, in seconds."""

    seconds: float
    provider_seconds: float


class TrafficFailed(GroatError):
    """The traffic failed: a call was refused, or webhooks were not applied in time."""


async def take_payments(
    base: str,
    merchant: Onboarded,
    label: str,
    payments: int,
    paid: Callable[[Taken], None],
    plan: Plan = PLAIN,
    at_once: int = AT_ONCE,
) -> None:
    """Take ``payments`` payments, ``at_once`` at a time, and call ``paid`` after each.

    ``label`` distinguishes this run from the merchant's other runs: it is part of the wallet's
    code, the references and the idempotency keys.

    Raises:
        TrafficFailed: the API answered a call with an error.
    """
    key = {"authorization": f"Bearer {merchant.api_key}"}
    async with httpx.AsyncClient(base_url=base, headers=key, timeout=60) as api:
        wallet = await _open_wallet(api, label)
        intentions = _intentions(merchant.sites, wallet, label, payments, plan)

        async def take_in_turn() -> None:
            for intention in intentions:
                started = time.perf_counter()
                answer = await _call(api, "/v1/payments", intention.order, key=intention.reference)
                paid(Taken(time.perf_counter() - started, _provider_seconds(answer)))
                await _follow_up(api, intention, answer.json())

        await asyncio.gather(*(take_in_turn() for _ in range(at_once)))


async def _follow_up(api: httpx.AsyncClient, intention: Intention, payment: dict[str, Any]) -> None:
    """Capture the payment if it is authorized, then refund the intended amount."""
    if payment["status"] == "authorized":
        path = f"/v1/payments/{payment['id']}/capture"
        payment = (await _call(api, path, {}, key=f"{intention.reference}-capture")).json()
    if payment["status"] == "succeeded" and intention.refund is not None:
        refund = {"payment": payment["id"], "amount": intention.refund}
        await _call(api, "/v1/refunds", refund, key=f"{intention.reference}-refund")


async def _open_wallet(api: httpx.AsyncClient, label: str) -> str:
    order = {"code": f"wallet:{label}", "currency": "EUR"}
    wallet: str = (await _call(api, "/v1/accounts", order)).json()["id"]
    return wallet


def _intentions(
    sites: Sequence[ProviderSite], wallet: str, label: str, payments: int, plan: Plan
) -> Iterator[Intention]:
    """Yield the payments to take, for each provider in turn. Every run yields the same ones."""
    random = Random(SEED)  # noqa: S311 - so that a demonstration can be repeated
    for number, site in zip(range(payments), itertools.cycle(sites), strict=False):
        simulated = SIMULATED[site.provider]
        is_declined = random.random() < _DECLINED_SHARE
        methods = simulated.declined if is_declined else simulated.accepted
        amount = random.randint(100, 25_000)
        order = {
            "amount": amount,
            "currency": "EUR",
            "beneficiary": wallet,
            "provider_account": ids.render("provider_account", site.account_id),
            "payment_method": random.choice(methods),
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
    """Return the seconds that the API waited for the provider, from its Server-Timing header."""
    spent = re.search(r"provider;dur=([0-9.]+)", answer.headers.get("server-timing", ""))
    return float(spent[1]) / 1000 if spent else 0.0


async def until_settled(http: httpx.AsyncClient, engine: Engine, merchant: Onboarded) -> int:
    """Wait until every webhook is delivered and applied; return the number acknowledged.

    This also settles payments whose provider call had no readable answer, since a webhook reports
    how the payment ended.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        answers = [await http.get(f"{site.base}/_simulator/deliveries") for site in merchant.sites]
        deliveries = [answer.raise_for_status().json() for answer in answers]
        undelivered = sum(counts["pending"] for counts in deliveries)
        unapplied = (await engine.drain.counts(merchant.merchant_id)).pending
        if undelivered + unapplied == 0:
            return sum(counts["acknowledged"] for counts in deliveries)
        if time.monotonic() > deadline:
            raise TrafficFailed(
                "demonstration_not_settled",
                f"After {SETTLE_SECONDS:.0f} s, {undelivered} webhooks are still undelivered and "
                f"{unapplied} are delivered but not applied.",
            )
        await asyncio.sleep(_POLL_SECONDS)
