"""The keys that sign the checkpoints of the log: made, replaced and retired by an operator."""

from __future__ import annotations

import secrets

from groat.audit.domain.actions import AuditAction
from groat.audit.domain.note import SigningKey, VerifierKey, is_key_name
from groat.audit.domain.record import Change
from groat.audit.infrastructure import log as store
from groat.audit.infrastructure.log import SealedKey
from groat.audit.service.records import AuditService
from groat.kernel.caller import Operator
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import INSTALLATION, AuditKeyId, IdSource
from groat.platform.crypto import Vault, seal, unseal
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database

_PRIVATE_BYTES = 32
_ORIGIN_CHARACTERS = 200


class AuditKeys:
    """Make, replace and retire the keys that sign checkpoints.

    The private parts are stored encrypted, with a key that derives from the root key.
    """

    def __init__(
        self, database: Database, audit: AuditService, vault: Vault, new_id: IdSource, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._encryption_key = vault.derived_key(b"audit keys")
        self._new_id = new_id
        self._clock = clock

    async def init(self, operator: Operator, origin: str) -> VerifierKey:
        """Name the log and make its first key. From now on, records are sealed.

        Raises:
            InvalidRequest: ``invalid_origin``; the name may not stand in a checkpoint.
            Conflict: ``audit_log_exists``.
        """
        if not is_key_name(origin) or len(origin) > _ORIGIN_CHARACTERS:
            raise InvalidRequest(
                "invalid_origin",
                "The name of the log must have no white space and no plus sign, and at most 200 "
                "characters. Use an address of yours, such as example.com/groat.",
            )
        async with self._database.transaction() as connection:
            if not await store.insert_log(connection, origin):
                raise Conflict(
                    "audit_log_exists",
                    "The log has a name and a key already. To replace the key, use "
                    "`groat audit rotate-key`.",
                )
            return await self._create(connection, operator, origin)

    async def rotate(self, operator: Operator) -> VerifierKey:
        """Make one more key. Checkpoints carry the signatures of all keys that are not retired.

        Raises:
            Conflict: ``audit_log_missing``.
        """
        async with self._database.transaction() as connection:
            origin = await self._locked(connection)
            return await self._create(connection, operator, origin)

    async def retire(self, operator: Operator, verifier: VerifierKey) -> None:
        """Retire a key. It signs no further checkpoint; its signatures stay valid.

        Raises:
            Conflict: ``audit_log_missing``; or ``audit_key_in_use``, if the key is unknown, retired
                already, or the only one.
        """
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await self._locked(connection)
            found = [
                one.id for one in await store.keys(connection) if one.public == verifier.public
            ]
            if not found or not await store.retire_key(connection, found[0], now):
                raise Conflict(
                    "audit_key_in_use",
                    f"{verifier} is unknown, retired already, or the only key. Make another key "
                    "first, with `groat audit rotate-key`.",
                )
            action = AuditAction.KEY_RETIRED
            await self._record(connection, operator, action, found[0], verifier)

    async def verifiers(self) -> list[VerifierKey]:
        """Return the public parts of all keys, the oldest first; the retired ones are included."""
        async with self._database.autocommit() as connection:
            return await verifiers(connection)

    async def signing(self, connection: Connection, origin: str) -> list[SigningKey]:
        """Return the keys that sign the checkpoints of the log ``origin``.

        Raises:
            ConfigurationError: ``wrong_master_key``; a row was altered.
        """
        return [
            SigningKey(origin, unseal(self._encryption_key, key.private, key.id.bytes))
            for key in await store.keys(connection)
            if key.retired_at is None
        ]

    async def _locked(self, connection: Connection) -> str:
        origin = await store.await_log(connection)
        if origin is None:
            raise no_log()
        return origin

    async def _create(self, connection: Connection, operator: Operator, origin: str) -> VerifierKey:
        key_id, private = AuditKeyId(self._new_id()), secrets.token_bytes(_PRIVATE_BYTES)
        verifier = SigningKey(origin, private).verifier
        sealed = seal(self._encryption_key, private, key_id.bytes)
        key = SealedKey(key_id, verifier.public, sealed, self._clock.now(), None)
        store.insert_key(connection, key)
        await self._record(connection, operator, AuditAction.KEY_CREATED, key_id, verifier)
        return verifier

    async def _record(
        self,
        connection: Connection,
        operator: Operator,
        action: AuditAction,
        key_id: AuditKeyId,
        verifier: VerifierKey,
    ) -> None:
        caller = operator.acting_for(INSTALLATION)
        change = Change.by(caller, action, "audit_key", key_id, verifier_key=str(verifier))
        await self._audit.write(connection, INSTALLATION, [change], self._clock.now())


async def verifiers(connection: Connection) -> list[VerifierKey]:
    """Return the public parts of all keys of the log; none if it has no name yet."""
    origin = await store.origin(connection)
    if origin is None:
        return []
    return [VerifierKey(origin, key.public) for key in await store.keys(connection)]


def no_log() -> Conflict:
    """Return the error for a log without a name and a key."""
    return Conflict(
        "audit_log_missing",
        "Records are not sealed yet. Name the log and make its key with `groat audit init-key`.",
    )
