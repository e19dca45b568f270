"""The merchant service: merchants and their provider accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from groat.audit.domain.record import Change, Scalar
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller, Operator
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, NotFound
from groat.kernel.ids import IdSource, MerchantId, ProviderAccountId
from groat.merchants.domain.actions import MerchantAction
from groat.merchants.domain.credentials import (
    CredentialFields,
    Merchant,
    ProviderAccount,
    ProviderAccountName,
    ProviderName,
    check_credentials,
    merged,
)
from groat.merchants.infrastructure import merchants as store
from groat.merchants.infrastructure.merchants import SealedProviderAccount
from groat.platform.crypto import Vault, seal, unseal
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.root_key import rewrap_root_key

_MAX_REMEMBERED = 10_000
"""Maximum data keys that are kept in memory. A fuller memory is emptied."""


class MerchantService:
    """Create and find merchants and their provider accounts."""

    def __init__(
        self,
        database: Database,
        audit: AuditService,
        vault: Vault,
        new_id: IdSource,
        clock: Clock,
        providers: Mapping[ProviderName, CredentialFields],
    ) -> None:
        self._database = database
        self._audit = audit
        self._vault = vault
        self._new_id = new_id
        self._clock = clock
        self._providers = providers
        self._data_keys: dict[MerchantId, bytes] = {}

    async def create(self, operator: Operator, name: str) -> MerchantId:
        """Create a merchant with a data key of its own, and return its id."""
        merchant_id = ids.new_merchant_id(self._new_id)
        data_key = self._vault.master_keys.new_key(_associated(merchant_id))
        async with self._database.transaction() as connection:
            store.insert_merchant(connection, merchant_id, name, data_key, self._clock.now())
            caller = operator.acting_for(merchant_id)
            row = ids.widened(merchant_id)
            await self._record(connection, caller, MerchantAction.MERCHANT_CREATED, row, name=name)
        return merchant_id

    async def find(self, name: str) -> MerchantId | None:
        """Return the oldest merchant called ``name``, None if there is none."""
        async with self._database.autocommit() as connection:
            return await store.find_merchant(connection, name)

    async def merchants(self) -> list[Merchant]:
        """Return all merchants, the oldest first."""
        async with self._database.autocommit() as connection:
            return await store.merchants(connection)

    async def merchant(self, merchant_id: MerchantId) -> Merchant:
        """Return a merchant.

        Raises:
            NotFound: the merchant does not exist.
        """
        async with self._database.autocommit() as connection:
            found = await store.merchant(connection, merchant_id)
        if found is None:
            raise ids.not_found("merchant", ids.render_merchant(merchant_id))
        return found

    async def put_provider_account(
        self,
        caller: Caller,
        provider: ProviderName,
        name: str,
        credentials: Mapping[str, str | None],
    ) -> ProviderAccountId:
        """Create the provider account ``name``, or change the credentials of an existing one.

        A text adds or replaces a credential, None removes it. Credentials that ``credentials``
        does not name stay.

        Raises:
            InvalidRequest: the provider is not installed, or the credentials do not fit it.
            NotFound: the merchant does not exist.
            Conflict: the merchant has an account ``name`` at another provider.
        """
        merchant_id = caller.merchant_id
        async with self._database.transaction() as connection:
            data_key = await self.data_key_within(connection, merchant_id)
            known = await store.lock_provider_account(connection, merchant_id, name)
            account_id = ProviderAccountId(self._new_id()) if known is None else known.id
            if known is not None and known.provider != provider:
                raise _name_taken(name)
            kept = {} if known is None else _opened(data_key, known)
            whole = merged(kept, credentials)
            check_credentials(provider, self._providers, whole)
            sealed = seal(data_key, json.dumps(whole).encode(), account_id.bytes)
            stored = await store.put_provider_account(
                connection,
                merchant_id,
                SealedProviderAccount(account_id, provider, name, sealed, b""),
                self._clock.now(),
            )
            if stored != account_id:  # another caller has created an account of this name meanwhile
                raise _name_taken(name)
            put = MerchantAction.PROVIDER_ACCOUNT_PUT
            await self._record(connection, caller, put, account_id, provider=provider, name=name)
        return account_id

    async def delete_provider_account(self, caller: Caller, account_id: ProviderAccountId) -> None:
        """Delete a provider account and its credentials. Groat can no longer call the provider.

        Raises:
            NotFound: the merchant has no such account.
        """
        merchant_id, now = caller.merchant_id, self._clock.now()
        async with self._database.transaction() as connection:
            if not await store.delete_provider_account(connection, merchant_id, account_id, now):
                raise _no_account(account_id)
            deleted = MerchantAction.PROVIDER_ACCOUNT_DELETED
            await self._record(connection, caller, deleted, account_id)

    async def provider_accounts(self, merchant_id: MerchantId) -> list[ProviderAccountName]:
        """Return the merchant's provider accounts, oldest first, without their credentials."""
        async with self._database.autocommit() as connection:
            return await store.provider_accounts(connection, merchant_id)

    async def provider_account(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> ProviderAccount:
        """Return a provider account with its decrypted credentials.

        Raises:
            NotFound: the merchant has no such account.
        """
        async with self._database.autocommit() as connection:
            found = await store.provider_account(connection, merchant_id, account_id)
        if found is None:
            raise _no_account(account_id)
        data_key = self._vault.master_keys.unwrap(found.data_key, _associated(merchant_id))
        return ProviderAccount(
            merchant_id, account_id, found.provider, found.name, _opened(data_key, found)
        )

    async def data_key(self, merchant_id: MerchantId) -> bytes:
        """Return the key that encrypts a merchant's data. It never changes, so memory keeps it.

        Raises:
            NotFound: the merchant does not exist.
        """
        kept = self._data_keys.get(merchant_id)
        if kept is not None:
            return kept
        async with self._database.autocommit() as connection:
            data_key = await self.data_key_within(connection, merchant_id)
        if len(self._data_keys) >= _MAX_REMEMBERED:
            self._data_keys.clear()
        self._data_keys[merchant_id] = data_key
        return data_key

    async def owner(self, account_id: ProviderAccountId) -> MerchantId:
        """Return the merchant of a provider account.

        Raises:
            NotFound: there is no such account.
        """
        async with self._database.autocommit() as connection:
            found = await store.find_owner(connection, account_id)
        if found is None:
            raise _no_account(account_id)
        return found

    async def rewrap_keys(self, operator: Operator) -> int:
        """Wrap the root key and every merchant's data key with the newest master key.

        One transaction wraps all keys, so a failure leaves them all as they are. Return the number
        of merchants.

        Raises:
            ConfigurationError: ``wrong_master_key``; no key has changed.
        """
        async with self._database.transaction() as connection:
            await rewrap_root_key(connection, self._vault.master_keys)
            wrapped = await store.lock_data_keys(connection)
            rewrapped = {
                merchant_id: self._vault.master_keys.rewrap(data_key, _associated(merchant_id))
                for merchant_id, data_key in wrapped.items()
            }
            store.update_data_keys(connection, rewrapped)
            for merchant_id in rewrapped:
                caller, row = operator.acting_for(merchant_id), ids.widened(merchant_id)
                await self._record(connection, caller, MerchantAction.DATA_KEY_REWRAPPED, row)
        return len(rewrapped)

    async def data_key_within(self, connection: Connection, merchant_id: MerchantId) -> bytes:
        """Return the key that encrypts a merchant's secrets, read in the caller's transaction.

        Raises:
            NotFound: the merchant does not exist.
            ConfigurationError: ``wrong_master_key``.
        """
        wrapped = await store.data_key(connection, merchant_id)
        if wrapped is None:
            raise ids.not_found("merchant", ids.render_merchant(merchant_id))
        return self._vault.master_keys.unwrap(wrapped, _associated(merchant_id))

    async def _record(
        self,
        connection: Connection,
        caller: Caller,
        action: MerchantAction,
        object_id: UUID,
        **data: Scalar,
    ) -> None:
        """Append the record of a change; the first part of the action is the kind of its object."""
        kind = action.partition(".")[0]
        change = Change.by(caller, action, kind, object_id, **data)
        await self._audit.write(connection, caller.merchant_id, [change], self._clock.now())


def _opened(data_key: bytes, account: SealedProviderAccount) -> dict[str, str]:
    credentials: dict[str, str] = json.loads(
        unseal(data_key, account.credentials, account.id.bytes)
    )
    return credentials


def _no_account(account_id: ProviderAccountId) -> NotFound:
    return ids.not_found("provider_account", ids.render("provider_account", account_id))


def _name_taken(name: str) -> Conflict:
    return Conflict(
        "provider_account_exists",
        f"An account named {name!r} exists already; choose another name.",
    )


def _associated(merchant_id: MerchantId) -> bytes:
    """Return the additional data of AES-GCM that binds a data key to its merchant."""
    return ids.widened(merchant_id).bytes
