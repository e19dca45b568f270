"""The harness of Slate's adapter, which lacks look-ups and answers by webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from groat.kernel.money import Money
from groat.providers.conformance.harness import (
    Credentials,
    Fault,
    PaymentMethods,
    ProviderBooks,
    ProviderEntry,
    SentWebhook,
)
from groat.providers.domain.failures import FailureCode
from tests.support.http_servers import running
from tests.support.slate_host import GOOD, GRIM, KEY, POOR, SECRET, Slate


@dataclass(frozen=True)
class SlateHarness:
    host: Slate
    base: str

    answers_by_webhook = True
    payment_methods = PaymentMethods(
        succeeds=GOOD,
        declined={POOR: FailureCode.INSUFFICIENT_FUNDS, GRIM: FailureCode.DO_NOT_HONOR},
    )

    @property
    def credentials(self) -> Credentials:
        good = {"key": KEY, "base": self.base, "secret": SECRET}
        return Credentials(
            good=good,
            unreachable={**good, "base": "http://127.0.0.1:1"},
            refused={**good, "key": "another_key"},
            strange={**good, "secret": "another_secret"},
        )

    async def set_fault(self, fault: Fault | None) -> None:
        self.host.fault = fault

    async def complete_action(self, provider_reference: str) -> None:
        """Do nothing: Slate's customers never have to act."""

    async def books(self) -> ProviderBooks:
        charges = self.host.charges.values()
        currency = {one["id"]: one["currency"] for one in charges}
        entries = {
            status: [
                ProviderEntry(one["reference"], Money(one["amount"], one["currency"]))
                for one in charges
                if one["status"] == status
            ]
            for status in ("reserved", "taken")
        }
        refunds = [
            ProviderEntry(one["reference"], Money(one["amount"], currency[one["charge"]]))
            for one in self.host.refunds
        ]
        return ProviderBooks(
            authorizations=entries["reserved"], charges=entries["taken"], refunds=refunds
        )

    async def take_deliveries(self) -> Sequence[SentWebhook]:
        return self.host.take_sent()


@asynccontextmanager
async def open_harness() -> AsyncIterator[SlateHarness]:
    host = Slate()
    async with running(host.app()) as base:
        yield SlateHarness(host, base)
