"""The audit actions of webhook endpoints. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class EndpointAction(Action):
    """The changes of webhook endpoints and of their deliveries."""

    CREATED = "webhook_endpoint.created", "A webhook endpoint was created."
    UPDATED = "webhook_endpoint.updated", "URL, types or state of a webhook endpoint changed."
    SECRET_ROTATED = "webhook_endpoint.secret_rotated", "A webhook endpoint got a new secret."
    TESTED = "webhook_endpoint.tested", "A test event for a webhook endpoint was made."
    PAUSED = "webhook_endpoint.paused", "All deliveries to an endpoint failed; they are paused."
    DISABLED = "webhook_endpoint.disabled", "An endpoint answered 410 Gone and is disabled."
    RECOVERED = (
        "webhook_endpoint.recovered",
        "Deliveries to a webhook endpoint were made due again.",
    )
