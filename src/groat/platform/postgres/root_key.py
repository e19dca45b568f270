"""The root key of a database: made once, stored wrapped, and unwrapped when a process starts.

Only the master key that wrapped it can unwrap it. So a process with another master key fails at its
start, and not later, when callers send API keys that it cannot check.
"""

from __future__ import annotations

from groat.kernel.errors import ConfigurationError
from groat.platform.crypto import MasterKeys, Vault
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "root_key.sql")

_ROW = b"root key"


async def open_vault(database: Database, master_keys: MasterKeys) -> Vault:
    """Return the vault of this database. Make its root key if it has none and no merchants.

    Raises:
        ConfigurationError: ``wrong_master_key``; or ``root_key_missing`` if there are merchants
            but no root key.
        Unavailable: ``database_unavailable``.
    """
    async with database.transaction() as connection:
        wrapped = await _wrapped(connection)
        if wrapped is None:
            new = {"wrapped": master_keys.new_key(_ROW)}
            connection.write(QUERIES["insert_root_key"], new)
            wrapped = await _wrapped(connection)
    if wrapped is None:
        raise ConfigurationError(
            "root_key_missing",
            "The table root_key is empty, and no API key can be checked without its row. Restore "
            "the row from a backup.",
        )
    return Vault(master_keys, master_keys.unwrap(wrapped, _ROW))


async def rewrap_root_key(connection: Connection, master_keys: MasterKeys) -> None:
    """Wrap the root key with the first of ``master_keys``, in the caller's transaction.

    Raises:
        ConfigurationError: ``wrong_master_key``.
    """
    [row] = await connection.fetch(QUERIES["lock_root_key"])
    rewrapped = master_keys.rewrap(bytes(row.wrapped), _ROW)
    connection.write(QUERIES["update_root_key"], {"wrapped": rewrapped})


async def _wrapped(connection: Connection) -> bytes | None:
    row = await connection.fetch_one(QUERIES["get_root_key"])
    return None if row is None else bytes(row.wrapped)
