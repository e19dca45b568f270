"""Access tokens: every client can get one, and every other request needs one."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from groat.kernel.clock import Clock
from groat.simulator.paypal.errors import PayPalError, TokenError
from groat.simulator.references import secret_text
from groat.simulator.wire import JsonObject

LIFETIME = timedelta(hours=9)
"""Time for which a token is valid."""


class Tokens:
    """The issued tokens. They are lost when the process ends, as PayPal may revoke any token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expiries: dict[str, datetime] = {}

    def issue(self, authorization: str, form: str) -> JsonObject:
        """Return a new token for any client with Basic credentials in ``authorization``.

        Raises:
            TokenError: The client id or the secret is missing, or the grant is not
                ``client_credentials``.
        """
        if not _has_credentials(authorization):
            raise TokenError(401, "invalid_client", "Client Authentication failed")
        if parse_qs(form).get("grant_type") != ["client_credentials"]:
            raise TokenError(400, "unsupported_grant_type", "Grant Type is not supported")
        token = f"A21AA{secret_text(60)}"
        self._expiries[token] = self._clock.now() + LIFETIME
        return {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": int(LIFETIME.total_seconds()),
            "nonce": secret_text(32),
        }

    def require(self, authorization: str) -> None:
        """Return if ``authorization`` has a token that was issued and has not expired.

        Raises:
            PayPalError: The token is missing, unknown or expired.
        """
        scheme, _, token = authorization.partition(" ")
        expires_at = self._expiries.get(token)
        if scheme != "Bearer" or expires_at is None or expires_at <= self._clock.now():
            raise PayPalError(401, "AUTHENTICATION_FAILURE")


def _has_credentials(authorization: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme == "Basic" and client != "" and secret != ""
