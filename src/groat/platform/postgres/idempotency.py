"""The ``Idempotency-Key`` header: repeated requests with one key have one effect and one answer.

A key belongs to one merchant and one route. The transaction of the effect claims it. A second
request with the key waits for that transaction. Then it gets the stored answer, or 409 if the first
request is not answered yet. Answers may contain secrets, so the merchant's data key encrypts them.

If the request calls a provider, the first transaction binds the key to the object. The transaction
that applies the provider's reply stores the answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import MerchantId
from groat.platform.crypto import seal, unseal
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "idempotency.sql")

KEPT_FOR = timedelta(days=30)
"""Minimum time for which a key and its answer are kept."""

_PURGED_AFTER = KEPT_FOR + timedelta(days=1)
"""Age at which a worker deletes a key. The extra day covers clocks of hosts that differ."""

_MOST_PURGED = 1000
"""Maximum keys that one run deletes."""

_LEASE = timedelta(minutes=2)
"""Age at which a key without an object and without an answer may be claimed again.

Must exceed the longest request.
"""

_STATUS_BYTES = 3

DataKeyOf: TypeAlias = Callable[[MerchantId], Awaitable[bytes]]
"""A function that returns the data key of a merchant."""

Result = TypeVar("Result")
Earlier = TypeVar("Earlier")


class StoredAnswer(NamedTuple):
    """The status and the body of an answer."""

    status: int
    body: bytes


class AnsweredBefore(Exception):
    """The request has been answered before. The caller gets the same ``answer`` again."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Binding(NamedTuple):
    """The object that a key is bound to while a provider is called: ``payment`` or ``refund``."""

    kind: str
    object_id: UUID


class Unanswered(NamedTuple):
    """A key that an earlier request has bound to ``object_id``, and has not answered yet."""

    object_id: UUID
    age: timedelta


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's key, with the route and the content of its request.

    ``request_hash`` tells a repetition from a different request with the same key. ``data_key``
    encrypts the answer.
    """

    merchant_id: MerchantId
    route: str
    key: str
    request_hash: bytes
    data_key: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The digest of the key and its request for the audit record: SHA-256, in hexadecimal.

        When the audit record is verified, PostgreSQL computes the same digest from the key's row.
        """
        name = f"{self.route} {self.key}".encode()
        return hashlib.sha256(name + self.request_hash).hexdigest()

    @property
    def row(self) -> bytes:
        """The name of the key's row, which the encrypted answer is bound to."""
        return f"answer {self.merchant_id} {self.route} {self.key}".encode()

    @property
    def place(self) -> dict[str, object]:
        """The primary key of the key's row."""
        return {"merchant_id": self.merchant_id, "route": self.route, "key": self.key}

    def sealed(self, answer: StoredAnswer) -> bytes:
        """Return ``answer`` encrypted for this key's row."""
        return seal(self.data_key, b"%03d" % answer.status + answer.body, self.row)

    def opened(self, sealed: bytes) -> StoredAnswer:
        """Return the answer that was encrypted for this key's row."""
        text = unseal(self.data_key, sealed, self.row)
        return StoredAnswer(int(text[:_STATUS_BYTES]), text[_STATUS_BYTES:])


@dataclass(frozen=True, slots=True)
class Once(Generic[Result]):
    """Lets a command take effect once for each key: it claims the key, and stores the answer.

    Without a key, nothing is claimed or stored. ``render`` makes the answer of the result.
    """

    request_key: RequestKey | None
    render: Callable[[Result], StoredAnswer]

    @property
    def digest(self) -> str | None:
        """The digest of the key for the audit record, None without a key."""
        return None if self.request_key is None else self.request_key.digest

    def after(self, step: Callable[[Earlier], Result]) -> Once[Earlier]:
        """Return the same for an earlier result, which ``step`` turns into the result."""
        return Once(self.request_key, lambda earlier: self.render(step(earlier)))

    async def claim(
        self, connection: Connection, binding: Binding | None = None
    ) -> Unanswered | None:
        """Claim the key in the caller's transaction and return None.

        If an earlier request has bound the key to an object and is not answered, return that.

        Raises:
            AnsweredBefore: the key has an answer.
            InvalidRequest: ``idempotency_key_reused``; the key was used with another request.
            Conflict: ``idempotency_key_in_use``; the first request is still under way.
        """
        key = self.request_key
        if key is None:
            return None
        kind, object_id = binding or (None, None)
        parameters = {
            **key.place,
            "request_hash": key.request_hash,
            "object_kind": kind,
            "object_id": object_id,
            "lease": _LEASE,
        }
        if await connection.fetch(QUERIES["claim_key"], parameters):
            return None
        earlier = await find(connection, key)
        if earlier is None:
            raise in_use()
        return earlier

    def answer(self, connection: Connection, result: Result) -> StoredAnswer:
        """Store the answer in the caller's transaction, which has claimed the key; return it."""
        rendered = self.render(result)
        key = self.request_key
        if key is not None:
            parameters = {**key.place, "answer": key.sealed(rendered)}
            connection.write(QUERIES["store_answer"], parameters)
        return rendered

    async def around(self, database: Database, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do work that may be repeated without harm, such as a look-up at a provider.

        One transaction claims the key, another stores the answer. If the process dies in between,
        the key can be claimed again after two minutes. If the work fails, the key is free.

        Raises:
            Exception: those of ``claim`` and of ``work``.
        """
        key = self.request_key
        if key is None:
            return await work()
        async with database.transaction() as connection:
            await self.claim(connection)
        try:
            result = await work()
        except BaseException:
            async with database.transaction() as connection:
                connection.write(QUERIES["release_key"], key.place)
            raise
        async with database.transaction() as connection:
            self.answer(connection, result)
        return result


UNKEYED: Once[Any] = Once(None, lambda _: StoredAnswer(0, b""))
"""For a command that no request with a key asks for."""


class StoredAnswers:
    """The keys and answers of all merchants."""

    def __init__(self, database: Database, data_key_of: DataKeyOf) -> None:
        self._database = database
        self._data_key_of = data_key_of

    async def request_key(
        self, merchant_id: MerchantId, route: str, key: str, request: bytes
    ) -> RequestKey:
        """Return a caller's key, with the digest of the ``request`` that it stands for."""
        data_key = await self._data_key_of(merchant_id)
        return RequestKey(merchant_id, route, key, hashlib.sha256(request).digest(), data_key)

    async def find(self, key: RequestKey) -> None:
        """Return if the key has no answer.

        Raises:
            AnsweredBefore: the key has an answer.
            InvalidRequest: ``idempotency_key_reused``; the key was used with another request.
        """
        async with self._database.autocommit() as connection:
            await find(connection, key)

    async def bound_objects(self, merchant_id: MerchantId, key: str) -> list[tuple[str, UUID]]:
        """Return the kind and the id of each object that requests with ``key`` are bound to."""
        parameters = {"merchant_id": merchant_id, "key": key}
        async with self._database.autocommit() as connection:
            rows = await connection.fetch(QUERIES["find_bound_objects"], parameters)
        return [(row.object_kind, row.object_id) for row in rows]

    async def purge_batch(self) -> int:
        """Delete keys and answers that are older than 30 days; return their number."""
        parameters = {"age": _PURGED_AFTER, "limit": _MOST_PURGED}
        async with self._database.autocommit() as connection:
            return len(await connection.fetch(QUERIES["purge_keys"], parameters))


async def find(connection: Connection, key: RequestKey) -> Unanswered | None:
    """Return the object that an unanswered key is bound to; None if it has none, or is unknown.

    Raises:
        AnsweredBefore: the key has an answer.
        InvalidRequest: ``idempotency_key_reused``; the key was used with another request.
    """
    row = await connection.fetch_one(QUERIES["get_key"], key.place)
    if row is None:
        return None
    if bytes(row.request_hash) != key.request_hash:
        raise InvalidRequest(
            "idempotency_key_reused",
            "This Idempotency-Key was used before with another request; a new request needs a new "
            "key.",
        )
    if row.answer is not None:
        raise AnsweredBefore(key.opened(bytes(row.answer)))
    return None if row.object_id is None else Unanswered(UUID(str(row.object_id)), row.age)


def in_use() -> Conflict:
    """Return the error for a key whose first request is not answered yet."""
    return Conflict(
        "idempotency_key_in_use",
        "The first request with this Idempotency-Key is still under way; try again shortly.",
    )
