"""The addresses of the servers that the tests share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Servers:
    """Where PostgreSQL and Valkey are: the user's own, or those that were started for the tests."""

    database_url: str
    redis_url: str
