"""Identifiers: UUIDv7 inside, TypeID outside.

A UUIDv7 (RFC 9562) sorts by the time it was made, so new rows land at the end of an index. The API
shows it as a TypeID (``pay_01h455vb4pex5vsknk084sn02q``): the prefix says what kind of thing it is,
and the rest is the UUID in lower-case Crockford base 32.
"""

from __future__ import annotations

import hashlib
from typing import NewType, Protocol, TypeVar
from uuid import UUID

import uuid_utils.compat
from typeid.codecs import base32

from groat.kernel.errors import NotFound

MerchantId = NewType("MerchantId", int)
"""62 random bits. It leads every key of the database, so half the width of the others counts."""

ApiKeyId = NewType("ApiKeyId", UUID)
ProviderAccountId = NewType("ProviderAccountId", UUID)
AccountId = NewType("AccountId", UUID)
TransactionId = NewType("TransactionId", UUID)
LedgerBatchId = NewType("LedgerBatchId", int)
"""62 random bits, as each ledger transaction has to carry it."""

HoldId = NewType("HoldId", UUID)
PaymentId = NewType("PaymentId", UUID)
RefundId = NewType("RefundId", UUID)
DisputeId = NewType("DisputeId", UUID)
OperationId = NewType("OperationId", UUID)
ProviderEventId = NewType("ProviderEventId", UUID)
RecordId = NewType("RecordId", UUID)

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
}
"""The kinds of things that have an id, and the prefix that tells them apart."""

Thing = TypeVar("Thing")

_VERSION_8 = 0x8 << 76 | 0x2 << 62  # and the variant
_NOT_VERSION_8 = ~(0xF << 76 | 0x3 << 62)
_BITS_BELOW_TIME = 80
_MOST_FIRST = "7"  # 26 digits of 5 bits are 130, and a UUID has 128


class IdSource(Protocol):
    """Makes new ids. Injected, so that tests and replays are repeatable."""

    def __call__(self) -> UUID:
        """Return an id that sorts after those of earlier milliseconds."""
        ...


def uuid7() -> UUID:
    """Return a new time-ordered UUID."""
    return uuid_utils.compat.uuid7()


def name_based(kind: bytes, name: str) -> UUID:
    """Return a UUIDv8 from a hash of ``name`` (RFC 9562, appendix B.2, with BLAKE2b).

    ``kind``, up to 16 bytes, keeps equal names of different kinds of things apart.
    """
    return version_8(hashlib.blake2b(name.encode(), digest_size=16, person=kind).digest())


def version_8(hash_bytes: bytes) -> UUID:
    """Return the UUIDv8 (RFC 9562, section 5.8) of the 16 bytes of a hash."""
    return UUID(int=int.from_bytes(hash_bytes, "big") & _NOT_VERSION_8 | _VERSION_8)


def following(kind: bytes, previous: UUID) -> UUID:
    """Return a UUIDv8 named after ``previous``: it sorts as if made one millisecond later.

    ``previous`` leads with a time, as a UUIDv7 does, or comes from here itself.
    """
    time = (previous.int >> _BITS_BELOW_TIME) + 1
    below = name_based(kind, str(previous)).int & ((1 << _BITS_BELOW_TIME) - 1)
    return UUID(int=time << _BITS_BELOW_TIME | below)


def render(kind: str, value: UUID) -> str:
    """Return the TypeID of ``value``, a thing of ``kind`` (a key of ``PREFIXES``)."""
    return f"{PREFIXES[kind]}_{base32.encode(value.bytes)}"


def parse(kind: str, text: str) -> UUID:
    """Return the UUID in ``text``.

    Raises:
        NotFound: ``text`` is not the TypeID of a ``kind``, so there can be no such thing.
    """
    prefix, _, suffix = text.rpartition("_")
    if prefix != PREFIXES.get(kind) or suffix[:1] > _MOST_FIRST:
        raise not_found(kind, text)
    try:
        return UUID(bytes=base32.decode(suffix))
    except (RuntimeError, UnicodeError) as error:  # what the library says of any other text
        raise not_found(kind, text) from error


def parse_any(text: str) -> UUID:
    """Return the UUID in ``text``, a TypeID of any kind.

    Raises:
        NotFound: it is not one.
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
    """Return a short id as wide as the others: its 64 bits, then 64 zeros."""
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
    """Return what was ``found`` under the id ``value`` of a ``kind``.

    Raises:
        NotFound: nothing was.
    """
    if found is None:
        raise not_found(kind, render(kind, value))
    return found


def not_found(kind: str, text: str) -> NotFound:
    """Return the error for a ``kind`` that does not exist, naming at most 64 characters of it."""
    noun = kind.replace("_", " ")
    return NotFound(f"{kind}_not_found", f"There is no {noun} {text[:64]!a}.")
