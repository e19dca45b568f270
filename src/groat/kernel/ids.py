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
import uuid_utils
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
        """Return an id that sorts after those of earlier milliseconds."""
        ...


def uuid7() -> UUID:
    """Return a new time-ordered UUID."""
    return uuid_utils.compat.uuid7()


def render(kind: str, value: UUID) -> str:
    """Return the TypeID of ``value``, a thing of ``kind`` (a key of ``PREFIXES``)."""
    return str(typeid.TypeID.from_uuid(uuid_utils.UUID(bytes=value.bytes), PREFIXES[kind]))


def parse(kind: str, text: str) -> UUID:
    """Return the UUID in ``text``.

    Raises:
        NotFound: ``text`` is not the TypeID of a ``kind``, so there can be no such thing.
    """
    prefix, _, suffix = text.rpartition("_")
    if prefix != PREFIXES.get(kind) or len(suffix) != _SUFFIX_LENGTH:
        raise not_found(kind, text)
    try:
        return UUID(bytes=typeid.TypeID(prefix, suffix).uuid.bytes)
    except typeid.core.errors.TypeIDException as error:
        raise not_found(kind, text) from error


def parse_any(text: str) -> UUID:
    """Return the UUID in ``text``, a TypeID of any kind.

    Raises:
        NotFound: it is not one.
    """
    prefix = text.rpartition("_")[0]
    kinds = {prefix: kind for kind, prefix in PREFIXES.items()}
    return parse(kinds.get(prefix, "object"), text)


def not_found(kind: str, text: str) -> NotFound:
    """Return the error for a ``kind`` that does not exist, naming at most 64 characters of it."""
    noun = kind.replace("_", " ")
    return NotFound(f"{kind}_not_found", f"There is no {noun} {text[:64]!a}.")
