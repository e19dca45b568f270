"""A database for each test, made from a template in a moment."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql


@contextmanager
def database_like(server_url: str, template: str) -> Iterator[str]:
    """Yield the address of a new database that looks like ``template``; drop it at the end."""
    name = f"groat_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        try:
            yield server_url.rpartition("/")[0] + f"/{name}"
        finally:
            connection.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            )
