"""Read Stripe's own list of events."""

from __future__ import annotations

from datetime import datetime, timedelta

from stripe.params import EventListParams

from groat.providers.port import EventPage, Unknown
from groat.providers.reading import Malformed
from groat.providers.stripe import events
from groat.providers.stripe.client import PAGE_SIZE, StripeClient, as_sent


class StripeEventList:
    """The ``EventList`` of a Stripe account."""

    covers = timedelta(days=30)
    """Source: docs.stripe.com/api/events/list."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def page(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """List events, newest first, including those that Stripe counts as delivered.

        Stripe's own view of deliveries is not enough. While an endpoint is disabled, Stripe records
        no failed delivery. An endpoint that accepted an event may have lost it since. Stripe
        renders each event in the API version of its time, which its webhook has too.
        """
        params: EventListParams = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": PAGE_SIZE,
        }
        if cursor is not None:
            params["starting_after"] = cursor
        answer = await self._client.look_up(self._client.events.list_async(params))
        if isinstance(answer, Unknown):
            return answer
        try:
            return events.listed_events(as_sent(answer))
        except Malformed:
            return Unknown("unreadable: not a list of events")
