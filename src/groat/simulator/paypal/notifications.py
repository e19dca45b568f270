"""The HTTP routes of webhooks, of events, and of the verification of signatures."""

from __future__ import annotations

import json

from starlette.requests import Request

from groat.simulator.paypal import objects
from groat.simulator.paypal.errors import not_found
from groat.simulator.paypal.model import PayPalEvent
from groat.simulator.paypal.objects import EVENTS_PATH
from groat.simulator.paypal.post import PayPalPost
from groat.simulator.paypal.requests import (
    EventSearch,
    VerificationRequest,
    WebhookRequest,
    parse,
    parse_query,
)
from groat.simulator.paypal.web import Table, find, host_of
from groat.simulator.wire import Answer, answer


class NotificationsApi:
    """The routes of PayPal's Webhooks v1."""

    def __init__(self, post: PayPalPost) -> None:
        self._post = post

    def table(self) -> Table:
        """Return the routes."""
        return [
            ("POST", "/v1/notifications/webhooks", self.create_webhook),
            ("GET", "/v1/notifications/webhooks", self.list_webhooks),
            ("GET", "/v1/notifications/webhooks/{id}", self.show_webhook),
            ("DELETE", "/v1/notifications/webhooks/{id}", self.delete_webhook),
            ("GET", EVENTS_PATH, self.list_events),
            ("GET", f"{EVENTS_PATH}/{{id}}", self.show_event),
            ("POST", "/v1/notifications/verify-webhook-signature", self.verify_signature),
        ]

    async def create_webhook(self, request: Request) -> Answer:
        """Create a webhook."""
        webhook = self._post.add_webhook(parse(WebhookRequest, await request.body()))
        return answer(201, objects.webhook_object(webhook, host_of(request)))

    async def list_webhooks(self, request: Request) -> Answer:
        """Answer with all webhooks."""
        host = host_of(request)
        webhooks = [objects.webhook_object(known, host) for known in self._post.webhooks.values()]
        return answer(200, {"webhooks": webhooks})

    async def show_webhook(self, request: Request) -> Answer:
        """Answer with one webhook."""
        webhook = find(self._post.webhooks, request)
        return answer(200, objects.webhook_object(webhook, host_of(request)))

    async def delete_webhook(self, request: Request) -> Answer:
        """Delete a webhook."""
        if self._post.webhooks.pop(request.path_params["id"], None) is None:
            raise not_found()
        return Answer(204, b"")

    async def list_events(self, request: Request) -> Answer:
        """Answer with a page of the events that match the search, newest first."""
        search = parse_query(EventSearch, request.query_params)
        listed = [
            (index, event)
            for index, event in self._post.listed()
            if _matches(event, search) and (search.index_id is None or index < search.index_id)
        ]
        page = listed[: search.page_size]
        links = [objects.link(str(request.url), "self")]
        if len(page) < len(listed):
            index, last = page[-1]
            place = {"index_time": objects.rfc3339(last.created), "index_id": index}
            following = request.url.include_query_params(move_to="next", **place)
            links.append(objects.link(str(following), "next"))
        events = [json.loads(event.body) for _, event in page]
        return answer(200, {"events": events, "count": len(events), "links": links})

    async def show_event(self, request: Request) -> Answer:
        """Answer with one event, in the bytes of its deliveries."""
        return Answer(200, find(self._post.events, request).body)

    async def verify_signature(self, request: Request) -> Answer:
        """Answer whether a delivery has a valid signature of this simulator."""
        delivery = parse(VerificationRequest, await request.body())
        verdict = "SUCCESS" if self._post.signed(delivery) else "FAILURE"
        return answer(200, {"verification_status": verdict})


def _matches(event: PayPalEvent, search: EventSearch) -> bool:
    """Tell whether an event matches a search. Times count in whole seconds, as events show them."""
    created = event.created.replace(microsecond=0)
    return (
        (search.start_time is None or search.start_time <= created)
        and (search.end_time is None or created <= search.end_time)
        and search.transaction_id in {None, event.transaction_id}
        and search.event_type in {None, event.type}
    )
