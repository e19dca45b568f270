"""The adapter for a PayPal account, over PayPal's REST API."""

from __future__ import annotations

from collections.abc import Mapping

from groat.kernel.clock import Clock, SystemClock
from groat.merchants.domain.credentials import CredentialFields
from groat.providers.paypal import settlement_report
from groat.providers.paypal.certificates import CertificateSource
from groat.providers.paypal.client import PayPalClient, connections
from groat.providers.paypal.event_list import PayPalEventList
from groat.providers.paypal.feed import PayPalMovementFeed
from groat.providers.paypal.lookups import PayPalLookups
from groat.providers.paypal.objects import PayPalObjects
from groat.providers.paypal.operations import PayPalOperations
from groat.providers.paypal.webhooks import PayPalWebhooks
from groat.providers.port import Provider
from groat.providers.reading import active_values

SYSTEM_CLOCK = SystemClock()


class PayPalProvider(Provider):
    """The ``Provider`` for a PayPal account."""

    read_settlement_file = staticmethod(settlement_report.read_settlement_report)
    credential_fields = CredentialFields(
        needed=frozenset({"client_id", "client_secret"}),
        optional=frozenset({"webhook_id", "api_base", "certificate_root"}),
    )
    """``webhook_id`` holds two values, with a comma between, during a rotation. ``api_base`` and
    ``certificate_root`` (PEM) are for a stand-in only."""

    operations: PayPalOperations
    lookups: PayPalLookups
    webhooks: PayPalWebhooks
    event_list: PayPalEventList
    movement_feed: PayPalMovementFeed

    def __init__(
        self, credentials: Mapping[str, str], *, timeout_seconds: float, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        base = credentials.get("api_base")
        self._http = connections(base, timeout_seconds)
        client = PayPalClient(
            self._http,
            credentials["client_id"],
            credentials["client_secret"],
            timeout_seconds=timeout_seconds,
        )
        objects = PayPalObjects(client, clock)
        certificates = CertificateSource(self._http, base, credentials.get("certificate_root"))
        webhook_ids = active_values(credentials.get("webhook_id"))
        self.lookups = PayPalLookups(client, objects, clock)
        self.operations = PayPalOperations(client, objects, self.lookups)
        self.webhooks = PayPalWebhooks(client, objects, certificates, webhook_ids)
        self.event_list = PayPalEventList(client, objects)
        self.movement_feed = PayPalMovementFeed(client, objects)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
