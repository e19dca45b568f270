"""The port: what the engine asks of a provider, and the ways in which an answer can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from groat.kernel import ids
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.providers.domain.facts import NotSent, Report


@dataclass(frozen=True, slots=True)
class Authorization:
    """A payment to be authorized and captured in one step.

    ``idempotency_key`` is what the provider deduplicates on: the same for every try of one
    operation. ``payment_method`` is the provider's token.
    """

    idempotency_key: str
    payment_id: PaymentId
    amount: Money
    payment_method: str

    @property
    def own_reference(self) -> str:
        """Our payment's id, as the provider is told it and gives it back."""
        return ids.render("payment", self.payment_id)


@dataclass(frozen=True, slots=True)
class Answered:
    """The provider answered, and this is what it said."""

    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call was sent and no answer could be read: it may have happened or not."""

    reason: str


Reply: TypeAlias = Answered | NotSent | Unknown


class Rejection(StrEnum):
    """Why a webhook is not believed."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_MISMATCH = "signature_mismatch"
    TIMESTAMP_OUTSIDE_TOLERANCE = "timestamp_outside_tolerance"
    CERTIFICATE_NOT_ALLOWED = "certificate_not_allowed"
    CERTIFICATE_UNAVAILABLE = "certificate_unavailable"
    CERTIFICATE_INVALID = "certificate_invalid"
    BODY_MALFORMED = "body_malformed"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A webhook's own id, by which deliveries of it are told to be the same, and its type."""

    event_id: str
    event_type: str


class Provider(Protocol):
    """One account at one provider. Every method is total: it answers, it does not raise."""

    async def authorize(self, authorization: Authorization) -> Reply:
        """Authorize and capture; call again only with the same key."""
        ...

    @property
    def keeps_keys_for(self) -> timedelta:
        """How long the same call with the same key is answered as it was, and has no effect."""
        ...

    async def fetch(self, authorization: Authorization) -> Reply:
        """Return what the provider knows of an authorization, found by our reference.

        Nothing that is settled, or nothing at all, is answered with no reports.
        """
        ...

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Return why ``body`` is not believed, or None. ``headers`` have lower-case names."""
        ...

    def read_envelope(self, body: bytes) -> Envelope | Rejection:
        """Return what identifies the event in a verified ``body``."""
        ...

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply:
        """Return what a verified webhook says, asking the provider where it must not be trusted.

        An event that says nothing of interest is answered with no reports.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
