"""``groat demo``: payments through two providers over HTTP, then the books held side by side."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import httpx

from groat.app.onboarding import Onboarded, ProviderSite
from groat.app.stack import Stack
from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.errors import GroatError
from groat.merchants.domain.credentials import ProviderName
from groat.payments.domain.lifecycle import Status
from groat.platform.checks import Finding

FAULTS = {"seed": 20, "duplicate": 0.3, "shuffle_ms": 400}
"""What goes wrong on purpose: webhooks come again, and out of order."""

SETTLE_SECONDS = 120.0
_AT_ONCE = 16
_DECLINED_SHARE = 0.15
_POLL_SECONDS = 0.1

_GOOD: dict[ProviderName, tuple[str, ...]] = {
    "stripe": ("pm_card_visa", "pm_card_mastercard"),
    "paypal": ("vault_visa",),
}
_BAD: dict[ProviderName, tuple[str, ...]] = {
    "stripe": ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"),
    "paypal": ("vault_declined", "vault_insufficient_funds", "vault_instrument_declined"),
}
"""Payment methods that the simulators accept, and that they decline."""

Progress = Callable[[], None]


class DemonstrationFailed(GroatError):
    """Something did not go as it must; the message says what."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the field names are those of ``groat demo --json``."""

    payments: int
    succeeded: int
    declined: int
    webhooks_delivered: int
    webhooks_applied: int
    duplicates_ignored: int
    ledger_imbalance: int
    provider_charges: int
    books_match_provider: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """One taking of money, as the provider's books and ours both tell it."""

    provider: ProviderName
    reference: str
    payment: str
    amount: int
    currency: str


def run(stack: Stack, payments: int, paid: Progress, settling: Callable[[], None]) -> Outcome:
    """Take ``payments`` payments, wait until all is settled, and count.

    Raises:
        DemonstrationFailed: a call failed, or the webhooks did not settle in time.
    """
    return asyncio.run(_run(stack, payments, paid, settling))


async def _run(
    stack: Stack, payments: int, paid: Progress, settling: Callable[[], None]
) -> Outcome:
    merchant = stack.merchant
    async with httpx.AsyncClient(timeout=60) as http, open_engine(stack.settings) as engine:
        await asyncio.gather(*(_set_faults(http, site) for site in merchant.sites))
        await _take_payments(stack, payments, paid)
        settling()
        delivered = await _until_settled(http, engine, merchant)
        return await _count(http, engine, merchant, payments, delivered)


async def _set_faults(http: httpx.AsyncClient, site: ProviderSite) -> None:
    answer = await http.put(f"{site.base}/_simulator/faults", json=FAULTS)
    answer.raise_for_status()


async def _take_payments(stack: Stack, payments: int, paid: Progress) -> None:
    api = httpx.AsyncClient(
        base_url=stack.api,
        headers={"authorization": f"Bearer {stack.merchant.api_key}"},
        timeout=60,
    )
    async with api:
        wallet = await _open_wallet(api)
        orders = iter(_orders(stack.merchant.sites, wallet, payments))

        async def take_in_turn() -> None:
            for order in orders:
                await _call(api, "/v1/payments", order, key=f"demo-{order['reference']}")
                paid()

        await asyncio.gather(*(take_in_turn() for _ in range(_AT_ONCE)))


async def _open_wallet(api: httpx.AsyncClient) -> str:
    account = await _call(api, "/v1/accounts", {"code": "wallet:demo", "currency": "EUR"})
    wallet: str = account["id"]
    return wallet


def _orders(sites: Iterable[ProviderSite], wallet: str, payments: int) -> Iterable[dict[str, Any]]:
    """Yield requests for payments, the providers in turn, the same ones every time."""
    random = Random(FAULTS["seed"])  # noqa: S311 - a demonstration that can be repeated
    for number, site in zip(range(payments), itertools.cycle(sites), strict=False):
        methods = _BAD if random.random() < _DECLINED_SHARE else _GOOD
        yield {
            "amount": random.randint(100, 25_000),
            "currency": "EUR",
            "beneficiary": wallet,
            "provider_account": ids.render("provider_account", site.account_id),
            "payment_method": random.choice(methods[site.provider]),
            "reference": f"order-{number}",
        }


async def _call(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None = None
) -> dict[str, Any]:
    headers = {} if key is None else {"idempotency-key": key}
    answer = await api.post(path, json=body, headers=headers)
    if not answer.is_success:
        raise DemonstrationFailed("demonstration_failed", f"{path} answered {answer.text}")
    document: dict[str, Any] = answer.json()
    return document


async def _until_settled(http: httpx.AsyncClient, engine: Engine, merchant: Onboarded) -> int:
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
            raise DemonstrationFailed(
                "demonstration_not_settled",
                f"After {SETTLE_SECONDS:.0f} s {undelivered} webhooks are undelivered and "
                f"{unapplied} unapplied.",
            )
        await asyncio.sleep(_POLL_SECONDS)


async def _count(
    http: httpx.AsyncClient, engine: Engine, merchant: Onboarded, payments: int, delivered: int
) -> Outcome:
    by_status = await engine.payments.count_by_status(merchant.merchant_id)
    inbox = await engine.drain.counts(merchant.merchant_id)
    theirs = [charge for site in merchant.sites for charge in await _their_books(http, site)]
    return Outcome(
        payments=payments,
        succeeded=by_status.get(Status.SUCCEEDED, 0),
        declined=by_status.get(Status.FAILED, 0),
        webhooks_delivered=delivered,
        webhooks_applied=inbox.applied,
        duplicates_ignored=inbox.duplicates,
        ledger_imbalance=await engine.accounts.imbalance(),
        provider_charges=len(theirs),
        books_match_provider=sorted(theirs, key=str)
        == sorted(await _our_books(engine, merchant), key=str),
    )


async def _their_books(http: httpx.AsyncClient, site: ProviderSite) -> list[Charge]:
    """Return every charge that the provider says it made: the independent witness."""
    answer = await http.get(f"{site.base}/_simulator/books")
    return [
        Charge(
            site.provider, charge["id"], charge["reference"], charge["amount"], charge["currency"]
        )
        for charge in answer.raise_for_status().json()["charges"]
        if charge["status"] == "succeeded"
    ]


async def _our_books(engine: Engine, merchant: Onboarded) -> list[Charge]:
    """Return every effect that we applied, each of which has one posting."""
    providers = {site.account_id: site.provider for site in merchant.sites}
    return [
        Charge(
            providers[effect.provider_account_id],
            effect.reference,
            ids.render("payment", effect.payment_id),
            effect.amount,
            effect.currency,
        )
        for effect in await engine.payments.effects(merchant.merchant_id)
    ]


@dataclass(frozen=True, slots=True)
class Summary(Outcome):
    """The outcome, judged."""

    oracle_ok: bool
    seconds: float


def summary(outcome: Outcome, findings: Sequence[Finding], seconds: float) -> Summary:
    """Return ``outcome`` with the judgement: does everything hold, and nothing is left over?"""
    oracle_ok = (
        all(finding.ok for finding in findings)
        and outcome.books_match_provider
        and outcome.ledger_imbalance == 0
        and outcome.succeeded + outcome.declined == outcome.payments
        and outcome.provider_charges == outcome.succeeded
    )
    return Summary(**asdict(outcome), oracle_ok=oracle_ok, seconds=round(seconds, 2))
