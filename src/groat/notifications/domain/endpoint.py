"""Webhook endpoints: where events are delivered, and which. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import EndpointId
from groat.kernel.value import Value, replace
from groat.notifications.domain.feed import require_pattern

TEST_TYPE = "webhook_endpoint.test"
"""Type of the event that tests one endpoint. Only that endpoint gets it, of any types."""

MOST_TYPES = 50
"""Maximum types and patterns of an endpoint."""

MOST_SECRETS = 5
"""Maximum secrets of an endpoint that are in force at the same time."""

_SECRET_PREFIX = "whsec_"  # noqa: S105 - of Standard Webhooks 1.0


class EndpointStatus(StrEnum):
    """``paused``: deliveries wait, since all of them failed. ``disabled``: none is made."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class Endpoint(Value):
    """A merchant's URL that takes the events of ``types``.

    ``failing_since`` is the time of the first failure after the last success.
    """

    id: EndpointId
    url: str
    types: tuple[str, ...]
    status: EndpointStatus
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


class EndpointUpdate(NamedTuple):
    """The fields to change; None leaves a field as it is."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    enabled: bool | None = None

    def applied(self, endpoint: Endpoint, now: datetime) -> Endpoint:
        """Return the endpoint with the changes. To enable it ends a pause."""
        status, failing_since = endpoint.status, endpoint.failing_since
        if self.enabled is not None:
            status = EndpointStatus.ENABLED if self.enabled else EndpointStatus.DISABLED
            failing_since = None
        return replace(
            endpoint,
            url=endpoint.url if self.url is None else self.url,
            types=endpoint.types if self.types is None else self.types,
            status=status,
            failing_since=failing_since,
            updated_at=now,
        )


class Secret(Value):
    """A secret that signs deliveries, as ``whsec_...``, until ``expires_at``; None: no end."""

    text: str
    expires_at: datetime | None


def new_secret(random_bytes: bytes) -> Secret:
    """Return the secret with these bytes: 24 to 64 of them, by Standard Webhooks 1.0."""
    return Secret(_SECRET_PREFIX + base64.b64encode(random_bytes).decode(), None)


def rotated(secrets: Sequence[Secret], new: Secret, keep: timedelta, now: datetime) -> list[Secret]:
    """Return the secrets after a rotation: the old ones go on signing for the time ``keep``.

    Raises:
        InvalidRequest: ``too_many_secrets``.
    """
    kept = [
        replace(one, expires_at=now + keep if one.expires_at is None else one.expires_at)
        for one in in_force(secrets, now)
    ]
    if len(kept) >= MOST_SECRETS:
        raise InvalidRequest(
            "too_many_secrets",
            f"The endpoint has {MOST_SECRETS} secrets in force. Wait until one has expired.",
        )
    return [*kept, new]


def in_force(secrets: Iterable[Secret], now: datetime) -> list[Secret]:
    """Return the secrets that sign at the time ``now``."""
    return [one for one in secrets if one.expires_at is None or now < one.expires_at]


def signatures(secrets: Iterable[Secret], event: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one signature for each secret, with spaces between.

    Source: https://github.com/standard-webhooks/standard-webhooks, version 1.0.
    """
    signed = f"{event}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key(one.text), signed, "sha256")).decode()
        for one in secrets
    )


def _key(text: str) -> bytes:
    return binascii.a2b_base64(text.removeprefix(_SECRET_PREFIX))


def require_types(types: Sequence[str]) -> tuple[str, ...]:
    """Return the types of an endpoint, without repetitions.

    Raises:
        InvalidRequest: ``invalid_event_type``.
    """
    for pattern in types:
        require_pattern(pattern)
    return tuple(dict.fromkeys(types))
