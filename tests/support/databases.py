"""Databases for tests, each made from a template in a moment."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from psycopg import sql


@contextmanager
def database_like(server_url: str, template: str) -> Iterator[str]:
    """Yield the address of a new database that looks like ``template``; drop it at the end."""
    url = _create(server_url, template)
    try:
        yield url
    finally:
        _drop(server_url, url)


class Supply:
    """Databases like a template. The next one is made, and the last one dropped, during a test."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._next = self._make()
        self._drops: list[Future[None]] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """Yield the address of a database of the caller's own."""
        url, self._next = self._next.result(), self._make()
        try:
            yield url
        finally:
            self._drops.append(self._worker.submit(_drop, self._server_url, url))

    def close(self) -> None:
        """Drop what is left, and raise what went wrong with any of it."""
        _drop(self._server_url, self._next.result())
        for drop in self._drops:
            drop.result()
        self._worker.shutdown()

    def _make(self) -> Future[str]:
        return self._worker.submit(_create, self._server_url, self._template)


def _create(server_url: str, template: str) -> str:
    name = f"groat_test_{uuid.uuid4().hex[:12]}"
    _run(server_url, "create database {} template {} strategy file_copy", name, template)
    return f"{server_url.rpartition('/')[0]}/{name}"


def _drop(server_url: str, url: str) -> None:
    _run(server_url, "drop database {} with (force)", url.rpartition("/")[2])


def _run(server_url: str, statement: str, *names: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
