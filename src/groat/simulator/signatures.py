"""The signatures of deliveries, in each provider's scheme."""

from __future__ import annotations

import base64
import hmac
import zlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256


def stripe_signature(secret: str, body: bytes, timestamp: int, *older: str) -> str:
    """Return the ``Stripe-Signature`` header, signed with ``secret`` and with the ``older`` ones.

    Stripe signs with two secrets while a secret is rolled. The key is the whole ``whsec_...`` text
    with its prefix. ``timestamp`` is in Unix seconds.
    Source: Stripe, "Verify webhook signatures manually".
    """
    signed = f"{timestamp}.".encode() + body
    digests = [hmac.digest(key.encode(), signed, "sha256") for key in (*older, secret)]
    return ",".join([f"t={timestamp}", *(f"v1={digest.hex()}" for digest in digests)])


def paypal_signed_text(
    transmission_id: str, transmission_time: str, webhook_id: str, body: bytes
) -> str:
    """Return the text that PayPal signs. It has the body's CRC-32 as an unsigned decimal.

    Source: PayPal, "Integrate webhooks", self verification.
    """
    return f"{transmission_id}|{transmission_time}|{webhook_id}|{zlib.crc32(body)}"


def paypal_signature(key: RSAPrivateKey, text: str) -> str:
    """Return the signature of ``text`` with RSA PKCS#1 v1.5 and SHA-256, in base64."""
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def paypal_signature_is_valid(key: RSAPublicKey, signature: str, text: str) -> bool:
    """Tell whether ``signature`` is a valid signature of ``text``. Malformed ones are not."""
    try:
        key.verify(base64.b64decode(signature), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
