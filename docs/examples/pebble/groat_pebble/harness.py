"""The harness: the conformance suite drives the adapter through it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

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
from groat_pebble.stand_in import KEY, SECRET, Pebble


@dataclass(frozen=True, slots=True)
class PebbleHarness:
    """A stand-in that is served at ``base``."""

    pebble: Pebble
    base: str

    answers_by_webhook = False
    payment_methods = PaymentMethods(
        succeeds="stone_round",
        declined={
            "stone_poor": FailureCode.INSUFFICIENT_FUNDS,
            "stone_stolen": FailureCode.LOST_OR_STOLEN,
            "stone_grim": FailureCode.DO_NOT_HONOR,
        },
    )

    @property
    def credentials(self) -> Credentials:
        """The credentials to make adapters with."""
        good = {"api_key": KEY, "api_base": self.base, "webhook_secret": SECRET}
        return Credentials(
            good=good,
            unreachable={**good, "api_base": "http://127.0.0.1:1"},
            refused={**good, "api_key": "another_key"},
            strange={**good, "webhook_secret": "another_secret"},
        )

    async def set_fault(self, fault: Fault | None) -> None:
        """Cause ``fault`` from now on."""
        self.pebble.fault = fault

    async def complete_action(self, provider_reference: str) -> None:
        """Do nothing: no payment method of Pebble requires an action."""

    async def books(self) -> ProviderBooks:
        """Return the books of the stand-in."""
        payments = [one for one in self.pebble.payments.values() if one["status"] != "declined"]
        of_status = {
            status: [
                ProviderEntry(one["reference"], Money(one["amount"], one["currency"]))
                for one in payments
                if one["status"] == status
            ]
            for status in ("authorized", "captured")
        }
        refunds = [
            ProviderEntry(refund["reference"], Money(refund["amount"], one["currency"]))
            for one in payments
            for refund in one["refunds"]
        ]
        return ProviderBooks(
            authorizations=of_status["authorized"], charges=of_status["captured"], refunds=refunds
        )

    async def take_deliveries(self) -> Sequence[SentWebhook]:
        """Return the webhooks that a provider would have sent."""
        taken, self.pebble.sent = self.pebble.sent, []
        return taken


@asynccontextmanager
async def open_harness() -> AsyncIterator[PebbleHarness]:
    """Serve a stand-in on a free port."""
    pebble = Pebble()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # An answer is two writes: without this the second waits until the first is acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(pebble.app(), log_level="critical"))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield PebbleHarness(pebble, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        await serving
