"""How each provider signs a delivery."""

from __future__ import annotations

import base64
import hmac
import zlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256


def stripe_signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return the ``Stripe-Signature`` header.

    The key is the ``whsec_...`` text as it stands, prefix and all; ``timestamp`` is Unix seconds.
    Source: Stripe, "Verify webhook signatures manually".
    """
    digest = hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256")
    return f"t={timestamp},v1={digest.hex()}"


def paypal_signed_text(
    transmission_id: str, transmission_time: str, webhook_id: str, body: bytes
) -> str:
    """Return what PayPal signs: not the body itself but its CRC-32, as an unsigned decimal.

    Source: PayPal, "Integrate webhooks", self verification.
    """
    return f"{transmission_id}|{transmission_time}|{webhook_id}|{zlib.crc32(body)}"


def paypal_signature(key: RSAPrivateKey, text: str) -> str:
    """Return ``text`` signed with RSA PKCS#1 v1.5 and SHA-256, in base 64."""
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def paypal_signature_is_valid(key: RSAPublicKey, signature: str, text: str) -> bool:
    """Tell whether ``signature`` is that of ``text``; anything that is no signature is not."""
    try:
        key.verify(base64.b64decode(signature), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
