"""Alembic's entry point: runs the revisions on a connection, or prints them as SQL."""

from alembic import context
from sqlalchemy import create_engine, pool


def run() -> None:
    """Run what ``groat migrate`` asks for."""
    url = context.config.attributes["url"]
    if context.is_offline_mode():
        # "named", since other styles of parameters double every percent sign in what is printed
        context.configure(
            dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"}
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    # No prepared statements: behind a connection pooler they would be left to other clients.
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"prepare_threshold": None})
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


run()
