"""The adapter beside the stand-in for PayPal that it talks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from groat.kernel.clock import Clock, SystemClock
from groat.providers.domain.facts import Fact
from groat.providers.paypal.adapter import PayPalProvider
from groat.providers.port import Answered, Envelope, Reply, Unreadable
from tests.support.clock import ManualClock
from tests.support.facts import without_words
from tests.support.http_servers import Receiver, settled
from tests.support.paypal_certificates import identity


@dataclass
class PayPal:
    """The adapter, and a way around it to the stand-in that it talks to."""

    provider: PayPalProvider
    http: httpx.AsyncClient
    clock: ManualClock

    async def faults(self, **plan: object) -> None:
        (await self.http.put("/_simulator/faults", json=plan)).raise_for_status()

    async def pull(self, trigger: str, order_id: str) -> None:
        """Let something happen to an order."""
        path = f"/_simulator/triggers/{trigger}"
        (await self.http.post(path, json={"id": order_id})).raise_for_status()

    async def books(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self.http.get("/_simulator/books")).json()[kind]
        return entries

    async def listen(self, receiver: Receiver) -> None:
        token = await self.http.post(
            "/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=("c", "s")
        )
        body = {"url": receiver.url, "event_types": [{"name": "*"}]}
        bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
        reply = await self.http.post("/v1/notifications/webhooks", json=body, headers=bearer)
        reply.raise_for_status()

    async def told(self, receiver: Receiver) -> list[tuple[str, Reply | Unreadable]]:
        """Return what the adapter makes of all that the receiver was sent since last time."""
        await settled(self.http)
        deliveries, receiver.deliveries = receiver.deliveries, []
        replies = []
        for delivery in deliveries:
            envelope = self.provider.webhooks.envelope(delivery.headers, delivery.body)
            assert isinstance(envelope, Envelope)
            reply = await self.provider.webhooks.interpret(envelope.event_type, delivery.body)
            replies.append((envelope.event_type, reply))
        return replies


def adapter(
    address: str, *, timeout_seconds: float = 30.0, clock: Clock | None = None
) -> PayPalProvider:
    credentials = {
        "client_id": "groat",
        "client_secret": "groat",
        "api_base": address,
        "certificate_root": identity().root_pem.decode(),
    }
    return PayPalProvider(
        credentials, timeout_seconds=timeout_seconds, clock=clock or SystemClock()
    )


def facts(reply: Reply | Unreadable) -> list[Fact]:
    """Return what was answered."""
    assert isinstance(reply, Answered), reply
    return [without_words(report.fact) for report in reply.reports]
