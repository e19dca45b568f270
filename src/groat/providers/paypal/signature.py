"""Verify PayPal's webhook signatures. Every function is total: it answers any bytes.

Source: developer.paypal.com, "Webhooks: verify the signature". The signed text is
``<transmission id>|<transmission time>|<webhook id>|<CRC-32 of the body, in decimal>``. PayPal
signs it with RSA (PKCS #1 v1.5) and SHA-256. ``PAYPAL-CERT-URL`` names the certificate. A CRC does
not prove the body: an attacker can write another body with the same CRC. So the adapter trusts
nothing in the body, and reads amounts from PayPal itself.

The signed text contains the time, but the adapter does not compare it with its own clock. PayPal
retries for three days and does not document that each try has its own time. A limit of minutes
might reject every retry after an outage, and the events would be lost. Nor would a limit stop an
attacker. A transmission that is sent again is a duplicate of the same event. With another body it
is a second event under a used transmission id, which the inbox refuses.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from groat.kernel.value import Value
from groat.providers.port import Rejection

_FIELD = re.compile(r"[!-{}~]{1,512}", re.ASCII)
_ID_LENGTH_MAX = 255
"""Maximum characters of a transmission id, which the inbox stores. PayPal documents up to 50."""


class Transmission(Value):
    """The signature headers of one delivery."""

    id: str
    time: str
    certificate_url: str
    signature: bytes

    def signed_text(self, webhook_id: str, body: bytes) -> bytes:
        """Return the bytes that PayPal signs."""
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(body)}".encode()


def read_transmission(headers: Mapping[str, str]) -> Transmission | Rejection:
    """Read the signature headers of a delivery, or return the reason to reject it.

    No signed header may contain ``|``, the separator of the signed text.
    """
    names = ("transmission-id", "transmission-time", "cert-url", "auth-algo", "transmission-sig")
    values = [headers.get(f"paypal-{name}", "") for name in names]
    if not all(values):
        return Rejection.SIGNATURE_MISSING
    transmission_id, time, certificate_url, algorithm, encoded = values
    if algorithm != "SHA256withRSA" or len(transmission_id) > _ID_LENGTH_MAX:
        return Rejection.SIGNATURE_MALFORMED
    if not all(_FIELD.fullmatch(value) for value in (transmission_id, time, certificate_url)):
        return Rejection.SIGNATURE_MALFORMED
    try:
        signature = base64.b64decode(encoded, validate=True)
    except ValueError:  # binascii.Error, and characters beyond ASCII
        return Rejection.SIGNATURE_MALFORMED
    return Transmission(transmission_id, time, certificate_url, signature)


def is_signed(
    transmission: Transmission, body: bytes, webhook_id: str, certificate: x509.Certificate
) -> bool:
    """Tell whether ``certificate`` signed the delivery for the webhook ``webhook_id``."""
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(
            transmission.signature,
            transmission.signed_text(webhook_id, body),
            PKCS1v15(),
            SHA256(),
        )
    except InvalidSignature:
        return False
    return True
