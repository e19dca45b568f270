"""Identifiers: UUIDv7 in the database, TypeID in the API.

A UUIDv7 (RFC 9562) sorts by the time of its creation, so new rows go to the end of an index. The
API shows it as a TypeID such as ``pay_01h455vb4pex5vsknk084sn02q``. The prefix names the kind of
object, and the rest is the UUID in lower-case Crockford base 32.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import NewType, Protocol, TypeVar
from uuid import UUID

import uuid_utils.compat
from typeid.codecs import base32

from groat.kernel.errors import NotFound

MerchantId = NewType("MerchantId", int)
"""62 random bits: half the width of the other ids, because every database key starts with it."""

ApiKeyId = NewType("ApiKeyId", UUID)
ProviderAccountId = NewType("ProviderAccountId", UUID)
AccountId = NewType("AccountId", UUID)
TransactionId = NewType("TransactionId", UUID)
LedgerBatchId = NewType("LedgerBatchId", int)
"""62 random bits: half the width of the other ids, because every ledger transaction has one."""

HoldId = NewType("HoldId", UUID)
PaymentId = NewType("PaymentId", UUID)
RefundId = NewType("RefundId", UUID)
DisputeId = NewType("DisputeId", UUID)
OperationId = NewType("OperationId", UUID)
ProviderEventId = NewType("ProviderEventId", UUID)
RecordId = NewType("RecordId", UUID)
AuditKeyId = NewType("AuditKeyId", UUID)
EventId = NewType("EventId", UUID)
EndpointId = NewType("EndpointId", UUID)

INSTALLATION = MerchantId(0)
"""Stands for a merchant in audit records of the installation itself, such as a new signing key."""

PREFIXES: dict[str, str] = {
    "merchant": "mer",
    "api_key": "key",
    "provider_account": "pac",
    "account": "acct",
    "ledger_transaction": "txn",
    "ledger_batch": "lbt",
    "hold": "hold",
    "payment": "pay",
    "refund": "ref",
    "dispute": "dsp",
    "operation": "op",
    "provider_event": "pev",
    "audit_record": "aud",
    "audit_key": "aky",
    "event": "evt",
    "webhook_endpoint": "wep",
}
"""TypeID prefix of each kind of object that has an id."""

Thing = TypeVar("Thing")

_VERSION_8 = 0x8 << 76 | 0x2 << 62  # version and variant bits
_NOT_VERSION_8 = ~(0xF << 76 | 0x3 << 62)
_BITS_BELOW_TIME = 80
_TIME_ORDERED = 7
_MOST_FIRST = "7"  # 26 digits of 5 bits are 130, and a UUID has 128


class IdSource(Protocol):
    """Makes new ids. It is injected, so that tests and replays are repeatable."""

    def __call__(self) -> UUID:
        """Return an id that sorts after ids of earlier milliseconds."""
        ...


def uuid7() -> UUID:
    """Return a new time-ordered UUID."""
    return uuid_utils.compat.uuid7()


def made_at(value: UUID) -> datetime | None:
    """Return the time at which a UUIDv7 was made, in UTC, to the millisecond; None for others."""
    if value.version != _TIME_ORDERED:
        return None
    return datetime.fromtimestamp((value.int >> _BITS_BELOW_TIME) / 1000, UTC)


def first_at(moment: datetime) -> UUID:
    """Return the least UUID that sorts with the UUIDv7s of ``moment``, to the millisecond."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << _BITS_BELOW_TIME)


def name_based(kind: bytes, name: str) -> UUID:
    """Return a UUIDv8 that is a hash of ``name`` (RFC 9562, appendix B.2, with BLAKE2b).

    ``kind`` is up to 16 bytes. Equal names of different kinds get different ids.
    """
    return version_8(hashlib.blake2b(name.encode(), digest_size=16, person=kind).digest())


def version_8(hash_bytes: bytes) -> UUID:
    """Return the UUIDv8 (RFC 9562, section 5.8) that holds the 16 bytes of a hash."""
    return UUID(int=int.from_bytes(hash_bytes, "big") & _NOT_VERSION_8 | _VERSION_8)


def following(kind: bytes, previous: UUID) -> UUID:
    """Return the UUIDv8 that follows ``previous``: it sorts as if made one millisecond later.

    The same ``previous`` always gives the same id. ``previous`` must start with a time: it is a
    UUIDv7, or an id that this function returned.
    """
    time = (previous.int >> _BITS_BELOW_TIME) + 1
    below = name_based(kind, str(previous)).int & ((1 << _BITS_BELOW_TIME) - 1)
    return UUID(int=time << _BITS_BELOW_TIME | below)


def render(kind: str, value: UUID) -> str:
    """Return the TypeID of the object of ``kind`` (a key of ``PREFIXES``) with the id ``value``."""
    return f"{PREFIXES[kind]}_{digits(value)}"


def digits(value: UUID) -> str:
    """Return the part of a TypeID that holds the UUID."""
    return base32.encode(value.bytes)


def parse(kind: str, text: str) -> UUID:
    """Return the UUID in ``text``, the TypeID of an object of ``kind``.

    Raises:
        NotFound: ``text`` is not a TypeID of this kind, so no such object can exist.
    """
    prefix, _, suffix = text.rpartition("_")
    if prefix != PREFIXES.get(kind) or suffix[:1] > _MOST_FIRST:
        raise not_found(kind, text)
    try:
        return UUID(bytes=base32.decode(suffix))
    except (RuntimeError, UnicodeError) as error:  # the library's errors for malformed text
        raise not_found(kind, text) from error


def parse_any(text: str) -> UUID:
    """Return the UUID in ``text``, a TypeID of any kind.

    Raises:
        NotFound: ``text`` is not a TypeID.
    """
    prefix = text.rpartition("_")[0]
    kinds = {prefix: kind for kind, prefix in PREFIXES.items()}
    return parse(kinds.get(prefix, "object"), text)


def new_merchant_id(new_id: IdSource) -> MerchantId:
    """Return the id of a new merchant: the random half of a UUIDv7."""
    return MerchantId(new_id().int % 2**62)


def new_ledger_batch_id(new_id: IdSource) -> LedgerBatchId:
    """Return the id of a new ledger batch: the random half of a UUIDv7."""
    return LedgerBatchId(new_id().int % 2**62)


def widened(short: MerchantId | LedgerBatchId) -> UUID:
    """Return a short id as a UUID: its 64 bits, then 64 zeros."""
    return UUID(int=short << 64)


def render_merchant(merchant_id: MerchantId) -> str:
    """Return the TypeID of a merchant."""
    return render("merchant", widened(merchant_id))


def parse_merchant(text: str) -> MerchantId:
    """Return the merchant's id in ``text``.

    Raises:
        NotFound: ``text`` is not the TypeID of a merchant.
    """
    high, low = divmod(parse("merchant", text).int, 2**64)
    if low or high >= 2**62:
        raise not_found("merchant", text)
    return MerchantId(high)


def existing(kind: str, value: UUID, found: Thing | None) -> Thing:
    """Return the object that a search for the id ``value`` of a ``kind`` ``found``.

    Raises:
        NotFound: the search found nothing; ``found`` is None.
    """
    if found is None:
        raise not_found(kind, render(kind, value))
    return found


def not_found(kind: str, text: str) -> NotFound:
    """Return the error for a missing object. It repeats at most 64 characters of ``text``."""
    noun = kind.replace("_", " ")
    return NotFound(f"{kind}_not_found", f"There is no {noun} {text[:64]!a}.")
