"""Merchant secrets: API keys for calls to Groat, and credentials for calls to providers."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from groat.kernel import ids
from groat.kernel.errors import GroatError, InvalidRequest, Unauthenticated
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import Value

ProviderName: TypeAlias = str
"""Name of a provider, such as ``stripe``. Its adapter is registered under this name."""

KEY_PREFIX = "groat"
"""First part of every API key."""

_SECRET_BYTES = 24
"""Random bytes in the secret of an API key."""

_SHOWN_FROM = 16
"""Minimum characters of a secret before its last four may be shown."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key in clear text: ``groat_<merchant>_<secret>``. It is shown only once.

    The key contains the merchant's id, so authentication reads only that merchant's rows. The
    secret is 192 random bits.
    """

    merchant_id: MerchantId
    secret: str = field(repr=False)

    def __str__(self) -> str:
        merchant = ids.render_merchant(self.merchant_id).removeprefix("mer_")
        return f"{KEY_PREFIX}_{merchant}_{self.secret}"

    @classmethod
    def generate(cls, merchant_id: MerchantId) -> ApiKey:
        """Return a new key with a random secret."""
        secret = base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        return cls(merchant_id, secret)

    @classmethod
    def parse(cls, text: str) -> ApiKey:
        """Parse ``text`` as an API key.

        Raises:
            Unauthenticated: ``invalid_api_key``; the text does not have the form of a key.
        """
        prefix, _, rest = text.partition("_")
        merchant, _, secret = rest.partition("_")
        try:
            if prefix != KEY_PREFIX or not secret.isascii():
                raise invalid_api_key()
            return cls(ids.parse_merchant(f"mer_{merchant}"), secret)
        except GroatError:
            raise invalid_api_key() from None


def invalid_api_key() -> Unauthenticated:
    """Return the error for any wrong key. It does not tell a caller which part is wrong."""
    return Unauthenticated(
        "invalid_api_key",
        "The API key is missing, wrong, expired or revoked. Send it as a bearer token.",
    )


class Merchant(Value):
    """A tenant of the engine."""

    id: MerchantId
    name: str
    created_at: datetime


class CredentialFields(Value):
    """Names of the credentials that a provider's accounts must have and may have.

    Webhook credentials are optional. A provider issues them only after the merchant registers the
    webhook address. Until the account has them, every webhook is rejected.
    """

    needed: frozenset[str]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A merchant's account at a provider, with its secret ``credentials``.

    Logs and tracebacks must not contain credentials, so the ``repr`` omits them.
    """

    merchant_id: MerchantId
    id: ProviderAccountId
    provider: ProviderName
    name: str
    credentials: Mapping[str, str]

    def __repr__(self) -> str:
        return f"ProviderAccount({self.provider}, {self.name!r})"


class ProviderAccountName(Value):
    """A merchant's account at a provider without its credentials, safe to show."""

    id: ProviderAccountId
    provider: ProviderName
    name: str
    created_at: datetime


def merged(kept: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Apply the changes in ``given`` to the credentials in ``kept``.

    A text adds or replaces a credential, None removes it. Credentials that ``given`` does not name
    stay.
    """
    return {name: value for name, value in {**kept, **given}.items() if value is not None}


def masked(secret: str) -> str:
    """Mask a secret for display. A secret of 16 or more characters shows its last four."""
    return "********" + (secret[-4:] if len(secret) >= _SHOWN_FROM else "")


def check_credentials(
    provider: ProviderName,
    known: Mapping[ProviderName, CredentialFields],
    credentials: Mapping[str, str],
) -> None:
    """Check the names of ``credentials`` against the fields that ``provider`` needs.

    ``known`` holds the credential fields of every installed provider.

    Raises:
        InvalidRequest: ``unknown_provider``, or ``invalid_credentials``. The message names fields
            and never contains a value.
    """
    fields = known.get(provider)
    if fields is None:
        raise InvalidRequest(
            "unknown_provider",
            f"No adapter is installed for {provider[:50]!a}. Installed: "
            f"{', '.join(sorted(known)) or 'none'}.",
        )
    missing = fields.needed - credentials.keys()
    empty = sorted(name for name, value in credentials.items() if not value.strip())
    unknown = credentials.keys() - fields.needed - fields.optional
    if empty:
        raise InvalidRequest(
            "invalid_credentials",
            f"These credentials are empty: {empty}. Give each a value, or leave it out.",
        )
    if missing or unknown:
        raise InvalidRequest(
            "invalid_credentials",
            f"A {provider} account needs {', '.join(sorted(fields.needed))} and may have "
            f"{', '.join(sorted(fields.optional)) or 'nothing else'}. Missing: {sorted(missing)}; "
            f"unknown: {sorted(unknown)}.",
        )
