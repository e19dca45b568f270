"""``groat demo``: take payments through two providers over HTTP, then compare the books."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import httpx

from groat.app import demo_books, traffic
from groat.app.onboarding import Onboarded, ProviderSite
from groat.app.stack import Stack
from groat.app.wiring import Engine, open_engine
from groat.merchants.domain.credentials import ProviderName
from groat.payments.domain.dispute import DisputeFilter
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.standing import EffectKind
from groat.platform.postgres.checks import Finding

FAULTS = {"seed": traffic.SEED, "duplicate": 0.3, "shuffle_ms": 400}
"""Faults of the simulators: they deliver 30 % of webhooks again, and delay each by up to 400 ms."""

_MOST_DISPUTES = 100
"""Maximum disputes that are counted: a demonstration has one for each provider."""


@dataclass(frozen=True, slots=True)
class DemoTally:
    """The figures of a demonstration. ``groat demo --json`` prints these field names."""

    payments: int
    succeeded: int
    declined: int
    refunds: int
    webhooks_delivered: int
    webhooks_applied: int
    duplicates_ignored: int
    ledger_imbalance: int
    provider_charges: int
    provider_refunds: int
    books_match_provider: bool
    disputes: int
    provider_balances_equal: bool


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """One capture or refund, in the form that both books share: the provider's and Groat's."""

    provider: ProviderName
    kind: str
    reference: str
    amount: int
    currency: str


def run(
    stack: Stack, payments: int, paid: Callable[[traffic.Taken], None], settling: Callable[[], None]
) -> DemoTally:
    """Take ``payments`` payments, wait until every webhook is applied, and return the figures.

    ``paid`` is called after each payment, and ``settling`` when the wait begins.

    Raises:
        TrafficFailed: a call failed, or the webhooks were not all applied in time.
    """
    return asyncio.run(_run(stack, payments, paid, settling))


async def _run(
    stack: Stack, payments: int, paid: Callable[[traffic.Taken], None], settling: Callable[[], None]
) -> DemoTally:
    merchant = stack.merchant
    async with httpx.AsyncClient(timeout=60) as http, open_engine(stack.settings) as engine:
        await asyncio.gather(*(_set_faults(http, site) for site in merchant.sites))
        await traffic.take_payments(stack.api, merchant, "demo", payments, paid, traffic.VARIED)
        settling()
        await traffic.until_settled(http, engine, merchant)
        await demo_books.cause_movements(http, engine, merchant)
        delivered = await traffic.until_settled(http, engine, merchant)
        return await _count(http, engine, merchant, payments, delivered)


async def _set_faults(http: httpx.AsyncClient, site: ProviderSite) -> None:
    answer = await http.put(f"{site.base}/_simulator/faults", json=FAULTS)
    answer.raise_for_status()


async def _count(
    http: httpx.AsyncClient, engine: Engine, merchant: Onboarded, payments: int, delivered: int
) -> DemoTally:
    by_status = await engine.payment_queries.count_by_status(merchant.merchant_id)
    inbox = await engine.drain.counts(merchant.merchant_id)
    provider_books = [
        movement for site in merchant.sites for movement in await _provider_books(http, site)
    ]
    groat_books = await _groat_books(engine, merchant)
    disputes = await engine.payment_queries.disputes(
        merchant.merchant_id, DisputeFilter(), after=None, limit=_MOST_DISPUTES
    )
    kinds = Counter(movement.kind for movement in provider_books)
    return DemoTally(
        payments=payments,
        succeeded=by_status.get(Status.SUCCEEDED, 0),
        declined=by_status.get(Status.FAILED, 0) + by_status.get(Status.REQUIRES_PAYMENT_METHOD, 0),
        refunds=sum(movement.kind == EffectKind.REFUNDED for movement in groat_books),
        webhooks_delivered=delivered,
        webhooks_applied=inbox.applied,
        duplicates_ignored=inbox.duplicates,
        ledger_imbalance=await engine.account_queries.imbalance(),
        provider_charges=kinds[EffectKind.CAPTURED],
        provider_refunds=kinds[EffectKind.REFUNDED],
        books_match_provider=sorted(provider_books, key=str) == sorted(groat_books, key=str),
        disputes=len(disputes),
        provider_balances_equal=await demo_books.balances_equal(http, engine, merchant),
    )


async def _provider_books(http: httpx.AsyncClient, site: ProviderSite) -> list[MoneyMoved]:
    """Return the captures and refunds in the simulator's own books, as an independent witness."""
    answer = await http.get(f"{site.base}/_simulator/books")
    books = answer.raise_for_status().json()
    return [
        MoneyMoved(site.provider, kind, entry["id"], entry["amount"], entry["currency"])
        for kind, entries in (
            (EffectKind.CAPTURED, books["charges"]),
            (EffectKind.REFUNDED, books["refunds"]),
        )
        for entry in entries
        if entry["status"] == "succeeded"
    ]


async def _groat_books(engine: Engine, merchant: Onboarded) -> list[MoneyMoved]:
    """Return every capture and refund that Groat applied. Each has one posting in the ledger."""
    providers = {site.account_id: site.provider for site in merchant.sites}
    return [
        MoneyMoved(
            providers[effect.provider_account_id],
            effect.kind,
            effect.reference,
            effect.amount,
            effect.currency,
        )
        for effect in await engine.payment_queries.captures_and_refunds(merchant.merchant_id)
    ]


@dataclass(frozen=True, slots=True)
class DemoSummary(DemoTally):
    """The figures of a demonstration with its verdict and its duration."""

    oracle_ok: bool
    seconds: float


def summary(tally: DemoTally, findings: Sequence[Finding], seconds: float) -> DemoSummary:
    """Judge a demonstration: every check holds, the books match, and every payment has ended."""
    oracle_ok = (
        all(finding.ok for finding in findings)
        and tally.books_match_provider
        and tally.provider_balances_equal
        and tally.ledger_imbalance == 0
        and tally.succeeded + tally.declined == tally.payments
        and tally.provider_charges == tally.succeeded
        and tally.provider_refunds == tally.refunds
    )
    return DemoSummary(**asdict(tally), oracle_ok=oracle_ok, seconds=round(seconds, 2))
