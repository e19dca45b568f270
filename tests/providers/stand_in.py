"""What both of our harnesses do alike: the stand-ins are controlled in the same way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
from starlette.applications import Starlette

from groat.kernel.money import Money
from groat.providers.conformance.harness import (
    Credentials,
    Fault,
    PaymentMethods,
    ProviderBooks,
    ProviderEntry,
    SentWebhook,
)
from tests.support.authorities import one_authority
from tests.support.http_servers import Receiver, running, settled

SLOW_MS = 1_200

_PLANS: dict[Fault | None, dict[str, object]] = {
    None: {},
    Fault.SLOW: {"answer_ms": SLOW_MS},
    Fault.DUPLICATE: {"duplicate": 1.0},
}
"""The fault plans that are not called as the faults are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The harness around one of our stand-ins."""

    http: httpx.AsyncClient
    receiver: Receiver
    credentials: Credentials
    payment_methods: PaymentMethods
    completion: str
    """The trigger that is what a customer does."""
    own_reference: Callable[[str], str]
    """Makes of a reference in the stand-in's books our payment's or refund's."""

    answers_by_webhook: ClassVar[bool] = False

    async def set_fault(self, fault: Fault | None) -> None:
        plan = _PLANS.get(fault, {"answer": fault})
        (await self.http.put("/_simulator/faults", json=plan)).raise_for_status()

    async def complete_action(self, provider_reference: str) -> None:
        url = f"/_simulator/triggers/{self.completion}"
        (await self.http.post(url, json={"id": provider_reference})).raise_for_status()

    async def books(self) -> ProviderBooks:
        books = (await self.http.get("/_simulator/books")).json()
        return ProviderBooks(
            authorizations=self._entries(books["authorizations"]),
            charges=self._entries(books["charges"]),
            refunds=self._entries(books["refunds"]),
        )

    async def take_deliveries(self) -> Sequence[SentWebhook]:
        await settled(self.http)
        taken, self.receiver.deliveries = self.receiver.deliveries, []
        return [SentWebhook(dict(one.headers), one.body) for one in taken]

    def _entries(self, entries: list[dict[str, Any]]) -> list[ProviderEntry]:
        return [
            ProviderEntry(
                self.own_reference(one["reference"]), Money(one["amount"], one["currency"])
            )
            for one in entries
            if one["status"] == "succeeded"
        ]


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[tuple[httpx.AsyncClient, Receiver]]:
    """Serve a stand-in; yield a client of it, and where it may send webhooks."""
    receiver = Receiver()
    with one_authority():
        async with running(receiver.app()) as address, running(app) as base:
            receiver.url = f"{address}/"
            async with httpx.AsyncClient(base_url=base) as http:
                yield http, receiver
