"""The textbook's pipeline as a contestant, with the same payments in its own database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.waiting_payments import CURRENCY
from benchmarks.webhooks import events
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.events import Payment
from benchmarks.webhooks.ground import WALLETS, new_database, opened
from groat.platform.embedded.places import free_port
from groat.platform.embedded.servers import PostgresServer, ValkeyServer
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "textbook.sql")
SHARE = 0.2
"""Fraction of the deliveries of a saturated phase, because it is slower than Groat."""


def prepare(
    postgres: PostgresServer, valkey: ValkeyServer, payments: Sequence[Payment], home: Path
) -> Contestant:
    """Create the textbook's database with ``payments``, and return the contestant."""
    url = new_database(postgres, "textbook")
    books = opened(url, QUERIES)
    books.rows("schema")
    books.rows("open_accounts", {"wallets": WALLETS})
    books.rows(
        "insert_payments",
        {
            "wallets": WALLETS,
            "currency": CURRENCY,
            "ids": [payment.reference for payment in payments],
            "amounts": [payment.amount for payment in payments],
        },
    )
    port = free_port()
    return Contestant(
        "textbook",
        books,
        valkey,
        port,
        "/webhooks/stripe",
        api=("benchmarks.webhooks.textbook.api",),
        worker=("benchmarks.webhooks.textbook.worker",),
        environment={
            "TEXTBOOK_DATABASE_URL": url,
            "TEXTBOOK_REDIS_URL": valkey.url,
            "TEXTBOOK_WEBHOOK_SECRET": events.SECRET,
            "TEXTBOOK_PORT": str(port),
        },
        logs=home,
        share=SHARE,
        needs_redis=True,
        holds=lambda: books.rows("check_ledger") == [(True,)],
    )
