"""Read PayPal's own list of events."""

from __future__ import annotations

from datetime import datetime, timedelta

from groat.providers.paypal import events
from groat.providers.paypal.client import PayPalClient
from groat.providers.paypal.objects import PayPalObjects
from groat.providers.port import EventPage, Unknown


class PayPalEventList:
    """The ``EventList`` of a PayPal account."""

    covers = timedelta(days=30)
    """Source: developer.paypal.com, "Webhooks Events dashboard". It shows the same list."""

    def __init__(self, client: PayPalClient, objects: PayPalObjects) -> None:
        self._client = client
        self._objects = objects

    async def page(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """List the events of the account's application, newest first."""
        query = events.first_page(since, until) if cursor is None else events.further_page(cursor)
        return await self._client.in_time(self._objects.events(query))
