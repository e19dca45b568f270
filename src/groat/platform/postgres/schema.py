"""The schema's revisions: migrate a database, or refuse to run on an outdated one.

Importing Alembic and its dependencies takes a quarter of a second. So only functions that migrate
import it.
"""

from __future__ import annotations

import pkgutil

import psycopg

from groat.kernel.errors import ConfigurationError
from groat.platform.postgres.migrations import versions
from groat.platform.postgres.roles import role_missing
from groat.platform.process.settings import APPLICATION_ROLE

_ROLE_MAY_WORK = """
select exists (
    select from pg_roles
    where rolname = %(role)s and pg_has_role(oid, 'member')
        and has_table_privilege(oid, 'payment', 'insert')
)
"""


def migrate(url: str, role: str | None = APPLICATION_ROLE) -> str:
    """Migrate the database at ``url`` to this version's schema; return the revision.

    ``role`` is the application's role; None if the application acts as the user of the URL.

    Raises:
        ConfigurationError: ``database_unreachable``, ``schema_newer``, ``role_missing`` or
            ``migration_failed``.
    """
    from groat.platform.postgres import revisions as migrating  # noqa: PLC0415 - see above

    current, known = current_revision(url), revisions()
    if current is not None and current not in known:
        raise _newer(current)
    migrating.upgrade(url, role)
    return known[-1]


def print_sql(role: str | None) -> None:
    """Print the SQL that creates this version's schema in an empty database."""
    from groat.platform.postgres import revisions as migrating  # noqa: PLC0415 - see above

    migrating.print_sql(role)


def revisions() -> list[str]:
    """Return this version's revisions, oldest first. Each file name begins with its revision."""
    modules = pkgutil.iter_modules(versions.__path__)
    return sorted(module.name.partition("_")[0] for module in modules)


def require_current(url: str, role: str | None = APPLICATION_ROLE) -> None:
    """Return if the database has this version's schema and the application may act as ``role``.

    Raises:
        ConfigurationError: ``schema_outdated``, ``schema_newer`` or ``role_missing``. The message
            names the command to run.
    """
    current, known = current_revision(url), revisions()
    if current == known[-1]:
        _require_role(url, role)
        return
    if current is not None and current not in known:
        raise _newer(current)
    state = "has no schema yet" if current is None else f"is at revision {current}"
    raise ConfigurationError(
        "schema_outdated",
        f"The database {state}; this Groat needs {known[-1]}. Run `groat migrate`.",
    )


def current_revision(url: str) -> str | None:
    """Return the revision of the database at ``url``, or None if it has no schema.

    Raises:
        ConfigurationError: ``database_unreachable``; or ``pooling_not_supported`` if a pooler does
            not keep a transaction on one server connection.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
                return None
            row = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        if "statement pooling mode" in reason:
            raise ConfigurationError(
                "pooling_not_supported",
                "The pooler in GROAT_DATABASE_URL splits transactions (pool_mode = statement). Set "
                "its pool_mode to session or transaction.",
            ) from None
        raise ConfigurationError(
            "database_unreachable", f"The database in GROAT_DATABASE_URL cannot be used: {reason}"
        ) from None
    return None if row is None else str(row[0])


def _require_role(url: str, role: str | None) -> None:
    if role is None:
        return
    with psycopg.connect(url, connect_timeout=5) as connection:
        found = connection.execute(_ROLE_MAY_WORK, {"role": role}).fetchone()
    if found != (True,):
        raise role_missing(role)


def _newer(revision: str) -> ConfigurationError:
    return ConfigurationError(
        "schema_newer",
        f"The database is at revision {revision}, which this Groat does not know (it knows up to "
        f"{revisions()[-1]}). Run a newer Groat.",
    )
