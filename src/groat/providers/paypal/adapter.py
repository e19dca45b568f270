"""PayPal over REST: one account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
from pydantic import ValidationError

from groat.kernel.errors import InvalidRequest
from groat.platform.strict_json import Json
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal import signature, translation
from groat.providers.paypal.certificates import CertificateSource
from groat.providers.paypal.client import PayPalClient, Response
from groat.providers.paypal.signature import Transmission
from groat.providers.paypal.translation import (
    CAPTURE_EVENT_TYPES,
    Capture,
    Event,
    Order,
    Problem,
)
from groat.providers.port import (
    Answered,
    Authorization,
    Envelope,
    Rejection,
    Reply,
    Unknown,
)
from groat.providers.reading import active_values, bounded, read, read_envelope, refusal

LIVE_API = "https://api-m.paypal.com"


class PayPalProvider:
    """The ``Provider`` for a PayPal account."""

    keeps_keys_for = timedelta(hours=5, minutes=30)
    """Half an hour less than the Orders API does (developer.paypal.com, "Idempotency")."""

    def __init__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> None:
        base = credentials.get("api_base")
        self._webhook_ids = active_values(credentials.get("webhook_id"))
        self._http = httpx.AsyncClient(base_url=base or LIVE_API, timeout=bounded(timeout_seconds))
        self._client = PayPalClient(
            self._http,
            credentials["client_id"],
            credentials["client_secret"],
            timeout_seconds=timeout_seconds,
        )
        self._certificates = CertificateSource(
            self._http, base, credentials.get("certificate_root")
        )

    async def authorize(self, authorization: Authorization) -> Reply:
        """Create an order with a vaulted payment method, which PayPal captures at once."""
        try:
            order = _order(authorization)
        except InvalidRequest:
            return Answered(refusal(authorization, FailureCode.METHOD_NOT_SUPPORTED))
        answer = await self._client.call(
            "POST", "/v2/checkout/orders", json=order, key=authorization.idempotency_key
        )
        if not isinstance(answer, Response):
            return answer
        if answer.ok:
            return read(lambda: translation.order_reports(Order.model_validate_json(answer.body)))
        return read(
            lambda: refusal(
                authorization,
                translation.refusal_code(Problem.model_validate_json(answer.body)),
            )
        )

    async def fetch(self, authorization: Authorization) -> Reply:  # noqa: ARG002 - see below
        """Answer that nothing is known: PayPal finds no order by our reference.

        What it has done is learned by making the same call with the same key again.
        """
        return Answered(())

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Check the signature against a certificate that is PayPal's."""
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

    def read_envelope(self, body: bytes) -> Envelope | Rejection:
        """Return the event's id and type."""
        return read_envelope(lambda: translation.envelope(body))

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply:
        """Ask PayPal for the capture that the event is about: the body itself proves nothing."""
        if event_type not in CAPTURE_EVENT_TYPES:
            return Answered(())
        try:
            capture_id = Event.model_validate_json(body).resource.id
        except ValidationError:
            return Unknown("unreadable: no capture's id in the event")
        answer = await self._client.call("GET", f"/v2/payments/captures/{capture_id}")
        if not isinstance(answer, Response):
            return answer
        if not answer.ok:
            return Unknown(f"capture {capture_id}: status {answer.status}")
        return read(lambda: translation.capture_reports(Capture.model_validate_json(answer.body)))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _order(authorization: Authorization) -> Json:
    amount = authorization.amount
    return {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "custom_id": authorization.own_reference,
                "amount": {
                    "currency_code": amount.currency,
                    "value": translation.paypal_value(amount),
                },
            }
        ],
        "payment_source": {
            "token": {"id": authorization.payment_method, "type": "PAYMENT_METHOD_TOKEN"}
        },
    }
