"""Alembic's entry point: runs the revisions on a connection, or prints them as SQL."""

from pathlib import Path

import psycopg
from alembic import context
from psycopg import sql
from sqlalchemy import create_engine, pool


def run() -> None:
    """Run the revisions for ``groat migrate``, or print their SQL."""
    url = context.config.attributes["url"]
    if context.is_offline_mode():
        # "named", because other parameter styles double every percent sign in the printed SQL
        context.configure(
            dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"}
        )
        _migrate()
        return
    engine = create_engine(
        "postgresql+psycopg://", poolclass=pool.NullPool, creator=lambda: _connect(url)
    )
    with engine.connect() as connection:
        context.configure(connection=connection)
        _migrate()


def _connect(url: str) -> psycopg.Connection:
    """Connect without prepared statements: a pooler would leave them to the next client."""
    return psycopg.connect(url, prepare_threshold=None)


def _migrate() -> None:
    """Run the revisions, and then grant the application's role its privileges, if it has a role."""
    role = context.config.attributes["role"]
    with context.begin_transaction():
        context.run_migrations()
        if role is not None:
            walls = Path(__file__).with_name("walls.sql").read_text(encoding="utf-8")
            identifier, name = sql.Identifier(role).as_string(), sql.Literal(role).as_string()
            context.execute(walls.replace("{role}", identifier).replace("{role_name}", name))


run()
