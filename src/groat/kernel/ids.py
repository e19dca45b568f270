"""Identifiers: UUIDv7 inside, TypeID outside.

A UUIDv7 (RFC 9562) sorts by the time it was made, so new rows land at the end of an index. The API
shows it as a TypeID (``pay_01h455vb4pex5vsknk084sn02q``): the prefix says what kind of thing it is,
and the rest is the UUID in lower-case Crockford base 32.
"""

from __future__ import annotations

from typing import NewType, Protocol
from uuid import UUID

import typeid
import typeid.core.errors
import uuid_utils.compat

from groat.kernel.errors import NotFound

MerchantId = NewType("MerchantId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
ProviderAccountId = NewType("ProviderAccountId", UUID)
AccountId = NewType("AccountId", UUID)
TransactionId = NewType("TransactionId", UUID)
PaymentId = NewType("PaymentId", UUID)
OperationId = NewType("OperationId", UUID)
WebhookEventId = NewType("WebhookEventId", UUID)
RecordId = NewType("RecordId", UUID)

PREFIXES: dict[str, str] = {
    "merchant": "mer",
    "api_key": "key",
    "provider_account": "pac",
    "account": "acct",
    "ledger_transaction": "txn",
    "payment": "pay",
    "operation": "op",
    "webhook_event": "whe",
    "audit_record": "evt",
}
"""The kinds of things that have an id, and the prefix that tells them apart."""

_SUFFIX_LENGTH = 26  # without it the library makes up an id


class IdSource(Protocol):
    """Makes new ids. Injected, so that tests and replays are repeatable."""

    def __call__(self) -> UUID:
        """Return an id that sorts after every earlier one, within a millisecond."""
        ...


def uuid7() -> UUID:
    """Return a new time-ordered UUID."""
    return uuid_utils.compat.uuid7()


def render(kind: str, value: UUID) -> str:
    """Return the TypeID of ``value``, a thing of ``kind`` (a key of ``PREFIXES``)."""
    return str(typeid.from_uuid(value, PREFIXES[kind]))


def parse(kind: str, text: str) -> UUID:
    """Return the UUID in ``text``.

    Raises:
        NotFound: ``text`` is not the TypeID of a ``kind``, so there can be no such thing.
    """
    prefix, _, suffix = text.rpartition("_")
    try:
        if prefix != PREFIXES[kind] or len(suffix) != _SUFFIX_LENGTH:
            raise ValueError(text)
        return UUID(str(typeid.TypeID(prefix, suffix).uuid))
    except (ValueError, typeid.core.errors.TypeIDException) as error:
        raise not_found(kind, text) from error


def not_found(kind: str, text: str) -> NotFound:
    """Return the error for a ``kind`` that does not exist, naming at most 64 characters of it."""
    noun = kind.replace("_", " ")
    return NotFound(f"{kind}_not_found", f"There is no {noun} {text[:64]!a}.")
