"""API keys: create, list, roll and revoke them, and authenticate calls by them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from groat.audit.domain.record import Change, Scalar
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller, Operator
from groat.kernel.clock import Clock
from groat.kernel.errors import InvalidRequest, NotFound
from groat.kernel.ids import ApiKeyId, MerchantId
from groat.kernel.value import replace
from groat.merchants.domain.actions import MerchantAction
from groat.merchants.domain.api_keys import (
    LONGEST_OVERLAP,
    Authenticated,
    KeyOrder,
    StoredKey,
    check_order,
    expanded,
    expiry_after_roll,
)
from groat.merchants.domain.credentials import ApiKey, invalid_api_key
from groat.merchants.infrastructure import api_keys as store
from groat.merchants.infrastructure import merchants
from groat.platform.crypto import Vault
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once


class CreatedKey(NamedTuple):
    """A new key with its secret, which cannot be read again later."""

    secret: ApiKey
    stored: StoredKey


class ApiKeyService:
    """The API keys of all merchants."""

    def __init__(self, database: Database, audit: AuditService, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._vault = vault
        self._clock = clock

    async def create(
        self,
        caller: Caller,
        order: KeyOrder | None = None,
        once: Once[CreatedKey] = UNKEYED,
    ) -> CreatedKey:
        """Create an API key for the caller's merchant; without ``order``, one with every scope.

        Raises:
            NotFound: the merchant does not exist.
            InvalidRequest: a scope is unknown, or the expiry is past.
            Forbidden: ``scope_not_held``.
        """
        order, now = order or KeyOrder(), self._clock.now()
        check_order(caller, order, now)
        async with self._database.transaction() as connection:
            await once.claim(connection)
            if await merchants.data_key(connection, caller.merchant_id) is None:
                raise ids.not_found("merchant", ids.render_merchant(caller.merchant_id))
            created = await self._insert(connection, caller, order, now)
            once.answer(connection, created)
        return created

    async def authenticate(self, text: str) -> Authenticated:
        """Return the merchant, the id and the scopes of the API key ``text``; note its use.

        Raises:
            Unauthenticated: no merchant has this key, or the key has expired or is revoked.
        """
        key, now = ApiKey.parse(text), self._clock.now()
        key_id, secret_hash = self._identified(key)
        async with self._database.autocommit() as connection:
            kept = await store.find_api_key(connection, key.merchant_id, key_id, now)
            if kept is None or not hmac.compare_digest(kept.secret_hash, secret_hash):
                raise invalid_api_key()
            if kept.seems_unused:
                store.touch_api_key(connection, key.merchant_id, key_id, now)
                await connection.flush()
        return Authenticated(key.merchant_id, key_id, expanded(kept.scopes))

    async def all_of(self, merchant_id: MerchantId) -> list[StoredKey]:
        """Return all API keys of a merchant, also expired and revoked ones, the newest first."""
        async with self._database.autocommit() as connection:
            return await store.api_keys(connection, merchant_id)

    async def roll(
        self,
        caller: Caller,
        key_id: ApiKeyId,
        overlap: timedelta,
        once: Once[CreatedKey] = UNKEYED,
    ) -> CreatedKey:
        """Create a key with the name and the scopes of another, which works for ``overlap`` longer.

        Raises:
            NotFound: the merchant has no such key that works.
            InvalidRequest: ``invalid_overlap``.
            Forbidden: ``scope_not_held``.
        """
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise InvalidRequest(
                "invalid_overlap", f"The overlap must be 0 to {LONGEST_OVERLAP.days} days."
            )
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await once.claim(connection)
            kept = await self._lock(connection, caller.merchant_id, key_id, now)
            order = KeyOrder(kept.name, tuple(kept.scopes))
            check_order(caller, order, now)
            created = await self._insert(connection, caller, order, now)
            expires_at = expiry_after_roll(kept, overlap, now)
            store.expire_api_key(connection, caller.merchant_id, key_id, expires_at)
            data = {
                "expires_at": expires_at.isoformat(),
                "replaced_by": ids.render("api_key", created.stored.id),
            }
            await self._record(connection, caller, MerchantAction.API_KEY_ROLLED, key_id, data)
            once.answer(connection, created)
        return created

    async def revoke(
        self, caller: Caller, key_id: ApiKeyId, once: Once[StoredKey] = UNKEYED
    ) -> StoredKey:
        """Revoke an API key. It authenticates no later call.

        Raises:
            NotFound: the merchant has no such key that works.
        """
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await once.claim(connection)
            kept = await self._lock(connection, caller.merchant_id, key_id, now)
            store.revoke_api_key(connection, caller.merchant_id, key_id, now)
            await self._record(connection, caller, MerchantAction.API_KEY_REVOKED, key_id, {})
            revoked = replace(kept, revoked_at=now)
            once.answer(connection, revoked)
        return revoked

    async def revoke_secret(self, operator: Operator, text: str) -> None:
        """Revoke the API key ``text``, for an operator who found the key somewhere.

        Raises:
            Unauthenticated: no merchant has this key, or it does not work any more.
        """
        found = await self.authenticate(text)
        await self.revoke(operator.acting_for(found.merchant_id), found.key_id)

    def _identified(self, key: ApiKey) -> tuple[ApiKeyId, bytes]:
        """Return the row id of an API key and the keyed hash of its secret."""
        key_id = self._vault.id_of_secret(key.secret)
        row = ids.widened(key.merchant_id).bytes + key_id.bytes
        return ApiKeyId(key_id), self._vault.hash_secret(key.secret, row)

    @staticmethod
    async def _lock(
        connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, now: datetime
    ) -> StoredKey:
        found = await store.lock_api_key(connection, merchant_id, key_id, now)
        if found is None:
            raise _no_key(key_id)
        return found

    async def _insert(
        self, connection: Connection, caller: Caller, order: KeyOrder, now: datetime
    ) -> CreatedKey:
        """Insert a key with a random secret, and its audit record."""
        merchant_id = caller.merchant_id
        secret = ApiKey.generate(merchant_id)
        key_id, secret_hash = self._identified(secret)
        store.insert_api_key(connection, merchant_id, key_id, secret_hash, order, now)
        data: dict[str, Scalar] = {"scopes": " ".join(order.scopes)}
        if order.expires_at is not None:
            data["expires_at"] = order.expires_at.isoformat()
        await self._record(connection, caller, MerchantAction.API_KEY_CREATED, key_id, data)
        stored = StoredKey(key_id, order.name, order.scopes, now, None, order.expires_at, None)
        return CreatedKey(secret, stored)

    async def _record(
        self,
        connection: Connection,
        caller: Caller,
        action: MerchantAction,
        key_id: ApiKeyId,
        data: Mapping[str, Scalar],
    ) -> None:
        change = Change.by(caller, action, "api_key", key_id, **data)
        await self._audit.write(connection, caller.merchant_id, [change], self._clock.now())


def _no_key(key_id: ApiKeyId) -> NotFound:
    return ids.not_found("api_key", ids.render("api_key", key_id))
