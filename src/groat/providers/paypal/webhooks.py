"""Verify PayPal's webhooks, and ask PayPal about their subjects: the bodies prove nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from groat.providers.domain.facts import NotSent
from groat.providers.paypal import events, signature
from groat.providers.paypal.certificates import CertificateSource
from groat.providers.paypal.client import PayPalClient
from groat.providers.paypal.objects import PayPalObjects
from groat.providers.paypal.signature import Transmission
from groat.providers.port import Answered, Envelope, Rejection, Reply, Unknown, Unreadable
from groat.providers.reading import Malformed, read_envelope


class PayPalWebhooks:
    """The ``Webhooks`` of a PayPal account, signed for one of ``webhook_ids``."""

    def __init__(
        self,
        client: PayPalClient,
        objects: PayPalObjects,
        certificates: CertificateSource,
        webhook_ids: Sequence[str],
    ) -> None:
        self._client = client
        self._objects = objects
        self._certificates = certificates
        self._webhook_ids = webhook_ids

    async def verify(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Verify the signature with a certificate that belongs to PayPal."""
        transmission = signature.read_transmission(headers)
        if not isinstance(transmission, Transmission):
            return transmission
        certificate = await self._certificates.certificate(transmission.certificate_url, now)
        if isinstance(certificate, Rejection):
            return certificate
        for webhook_id in self._webhook_ids:
            if signature.is_signed(transmission, body, webhook_id, certificate):
                return None
        return Rejection.SIGNATURE_MISMATCH

    def envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:
        """Read the event's id and type from the body, and the signed transmission id."""
        transmission = signature.read_transmission(headers)
        if not isinstance(transmission, Transmission):
            return transmission
        return read_envelope(lambda: events.envelope(body, transmission.id))

    def read(self, event_type: str, body: bytes) -> Answered | Unreadable | None:  # noqa: ARG002 - the body proves nothing
        """Return no reports for an irrelevant event, else None.

        The signature does not protect the body, so PayPal has to be asked about any other event.
        """
        return Answered(()) if events.subject_of(event_type) is None else None

    async def interpret(self, event_type: str, body: bytes) -> Reply | Unreadable:
        """Look up the subject of the event at PayPal."""
        subject = events.subject_of(event_type)
        if subject is None:
            return Answered(())
        try:
            subject_id = events.subject_id(subject, body)
        except Malformed:
            return Unreadable(f"no id of its {subject} in the event")
        reply = await self._client.in_time(self._objects.subject(subject, subject_id))
        return Unknown(reply.reason) if isinstance(reply, NotSent) else reply
