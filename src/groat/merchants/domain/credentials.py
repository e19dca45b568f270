"""What a merchant is known by: an API key for its own calls, credentials for its providers."""

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
"""What a provider is called: the name that its adapter is registered under."""

KEY_PREFIX = "groat"
_SECRET_BYTES = 24
_SHOWN_FROM = 16


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key in the clear, as it is shown once: ``groat_<merchant>_<secret>``.

    The merchant's id is part of the key, so that looking a key up touches that merchant's rows
    alone. The secret is 192 random bits.
    """

    merchant_id: MerchantId
    secret: str = field(repr=False)

    def __str__(self) -> str:
        merchant = ids.render_merchant(self.merchant_id).removeprefix("mer_")
        return f"{KEY_PREFIX}_{merchant}_{self.secret}"

    @classmethod
    def generate(cls, merchant_id: MerchantId) -> ApiKey:
        """Return a new key."""
        secret = base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        return cls(merchant_id, secret)

    @classmethod
    def parse(cls, text: str) -> ApiKey:
        """Return the key that ``text`` is.

        Raises:
            Unauthenticated: ``invalid_api_key``; it does not have the form of a key.
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
    """Return the one error for every way in which a key can be wrong."""
    return Unauthenticated(
        "invalid_api_key", "The API key is missing, wrong or revoked. Send it as a bearer token."
    )


class CredentialFields(Value):
    """What an account at a provider has to be given, and what it may be given besides.

    What verifies webhooks can come later, since a provider hands it out only once it is told where
    webhooks go; until then no webhook is believed.
    """

    needed: frozenset[str]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A merchant's account at a provider. ``credentials`` are secrets: they are never shown."""

    merchant_id: MerchantId
    id: ProviderAccountId
    provider: ProviderName
    name: str
    credentials: Mapping[str, str]

    def __repr__(self) -> str:
        return f"ProviderAccount({self.provider}, {self.name!r})"


class ProviderAccountName(Value):
    """A merchant's account at a provider, as it may be shown."""

    id: ProviderAccountId
    provider: ProviderName
    name: str
    created_at: datetime


def merged(kept: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Return credentials as they are after ``given``: None takes one away, the others stay."""
    return {name: value for name, value in {**kept, **given}.items() if value is not None}


def masked(secret: str) -> str:
    """Return a secret as it may be shown: its last four characters, where it has 16 or more."""
    return "********" + (secret[-4:] if len(secret) >= _SHOWN_FROM else "")


def check_credentials(
    provider: ProviderName,
    known: Mapping[ProviderName, CredentialFields],
    credentials: Mapping[str, str],
) -> None:
    """Return if ``credentials`` are what ``provider``, one of the ``known``, needs.

    Raises:
        InvalidRequest: ``unknown_provider``, or ``invalid_credentials``, naming the fields, never a
            value.
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
            "invalid_credentials", f"A credential is not empty text; these are: {empty}."
        )
    if missing or unknown:
        raise InvalidRequest(
            "invalid_credentials",
            f"A {provider} account needs {', '.join(sorted(fields.needed))} and may have "
            f"{', '.join(sorted(fields.optional)) or 'nothing else'}. Missing: {sorted(missing)}; "
            f"unknown: {sorted(unknown)}.",
        )
