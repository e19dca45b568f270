"""The adapter for a Stripe account, through Stripe's official SDK."""

from __future__ import annotations

from collections.abc import Mapping

from groat.merchants.domain.credentials import CredentialFields
from groat.providers.port import Provider
from groat.providers.reading import active_values
from groat.providers.stripe import settlement_report
from groat.providers.stripe.client import StripeClient
from groat.providers.stripe.event_list import StripeEventList
from groat.providers.stripe.feed import StripeMovementFeed
from groat.providers.stripe.lookups import StripeLookups
from groat.providers.stripe.operations import StripeOperations
from groat.providers.stripe.payouts import StripePayoutBook
from groat.providers.stripe.webhooks import StripeWebhooks


class StripeProvider(Provider):
    """The ``Provider`` for a Stripe account."""

    read_settlement_file = staticmethod(settlement_report.read_itemized_report)
    credential_fields = CredentialFields(
        needed=frozenset({"api_key"}),
        optional=frozenset({"webhook_secret", "account", "api_base"}),
    )
    """``webhook_secret`` holds two values, with a comma between, during a rotation. ``account`` is
    the connected account that a platform's key acts for. ``api_base`` is for a stand-in only."""

    operations: StripeOperations
    lookups: StripeLookups
    webhooks: StripeWebhooks
    event_list: StripeEventList
    movement_feed: StripeMovementFeed
    payout_book: StripePayoutBook

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        key, account = credentials["api_key"], credentials.get("account")
        secrets = active_values(credentials.get("webhook_secret"))
        self._client = StripeClient(key, account, credentials.get("api_base"), timeout_seconds)
        self.lookups = StripeLookups(self._client)
        self.operations = StripeOperations(self._client, self.lookups)
        self.webhooks = StripeWebhooks(self._client, key, account, secrets)
        self.event_list = StripeEventList(self._client)
        self.movement_feed = StripeMovementFeed(self._client)
        self.payout_book = StripePayoutBook(self._client)

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()
