"""The routes about webhooks: where they go, and whether one is genuine."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.paypal import objects
from groat.simulator.paypal.errors import not_found
from groat.simulator.paypal.post import Post
from groat.simulator.paypal.requests import VerificationRequest, WebhookRequest, parse
from groat.simulator.paypal.web import Table, find, host_of
from groat.simulator.wire import Answer, answer


class NotificationsApi:
    """Webhooks v1."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def table(self) -> Table:
        """Return the routes."""
        return [
            ("POST", "/v1/notifications/webhooks", self.create_webhook),
            ("GET", "/v1/notifications/webhooks", self.list_webhooks),
            ("GET", "/v1/notifications/webhooks/{id}", self.show_webhook),
            ("DELETE", "/v1/notifications/webhooks/{id}", self.delete_webhook),
            ("POST", "/v1/notifications/verify-webhook-signature", self.verify_signature),
        ]

    async def create_webhook(self, request: Request) -> Answer:
        """Start delivering to an address."""
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
        """Stop delivering to an address."""
        if self._post.webhooks.pop(request.path_params["id"], None) is None:
            raise not_found()
        return Answer(204, b"")

    async def verify_signature(self, request: Request) -> Answer:
        """Tell whether a delivery was made here."""
        delivery = parse(VerificationRequest, await request.body())
        verdict = "SUCCESS" if self._post.signed(delivery) else "FAILURE"
        return answer(200, {"verification_status": verdict})
