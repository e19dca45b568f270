"""PayPal's webhook signatures: a total function, for any bytes.

Source: developer.paypal.com, "Webhooks: verify the signature". The signed text is
``<transmission id>|<transmission time>|<webhook id>|<CRC-32 of the body, in decimal>``, signed with
RSA (PKCS #1 v1.5) and SHA-256 by the certificate that ``PAYPAL-CERT-URL`` points to. A CRC is no
proof of the body, so nothing in the body is believed: money is read from PayPal itself.

The time is a part of what is signed, and is not compared with ours. PayPal tries for three days and
does not say that each try has a time of its own: a bound of minutes might refuse every try after an
outage, and the events would be lost. Nor would it keep anything out: a transmission that is sent
again is the same event, and with another body it is a second event under an id that is used.
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
"""The inbox keeps the ids of transmissions. PayPal's have up to 50 characters, it says."""


class Transmission(Value):
    """The headers of one delivery."""

    id: str
    time: str
    certificate_url: str
    signature: bytes

    def signed_text(self, webhook_id: str, body: bytes) -> bytes:
        """Return what PayPal signs."""
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(body)}".encode()


def read_transmission(headers: Mapping[str, str]) -> Transmission | Rejection:
    """Return the delivery's headers, of which none may hold a ``|``, or what is wrong with them."""
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
    """Tell whether the delivery is signed by ``certificate``, for our webhook."""
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
