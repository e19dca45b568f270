"""Happening once rests on PostgreSQL: past the application, it refuses every second row itself."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from groat.audit.domain.tree import STORED_LEVELS
from tests.support.sealing import fill, seal_all
from tests.support.soundness import assert_sound
from tests.support.world import World

ONCE = {
    "account_pkey": "an account's id",
    "account_merchant_id_code_key": "an account's code",
    "account_merchant_id_number_key": "the number that entries are filed under",
    "api_key_pkey": "a key's id, which follows from its secret",
    "applied_effect_pkey": "an effect of a provider",
    "audit_record_pkey": "a record",
    "audit_checkpoint_pkey": "a checkpoint of a size of the log",
    "audit_cosignature_pkey": "a witness's signature of a checkpoint",
    "audit_key_pkey": "a key that signs checkpoints",
    "audit_leaf_pkey": "a leaf at a place of the log",
    "audit_leaf_record_id_key": "a leaf of a record",
    "audit_log_pkey": "a log",
    "audit_node_pkey": "a subtree of the log",
    "audit_verification_pkey": "a verification",
    "balance_pkey": "a balance for an account",
    "balance_watch_pkey": "a watch of a balance",
    "dispute_pkey": "a dispute",
    "engine_process_pkey": "a process",
    "event_pkey": "an event, which has the id of its audit record",
    "event_feed_pkey": "a feed of a merchant",
    "event_merchant_id_position_key": "an event at a position of the feed",
    "event_merchant_id_object_id_sequence_key": "an event of an object, by its number there",
    "event_object_pkey": "a count of the events of an object",
    "delivery_pkey": "a delivery of an event to an endpoint",
    "delivery_attempt_pkey": "an attempt of a delivery, by its number",
    "webhook_endpoint_pkey": "a webhook endpoint",
    "dispute_merchant_id_provider_account_id_provider_reference__key": "a dispute at its provider",
    "hold_pkey": "a hold, whose id follows from its reference",
    "idempotency_key_pkey": "an Idempotency-Key",
    "ledger_entry_pkey": "an entry of an account at a moment",
    "ledger_transaction_pkey": "a ledger transaction, whose id follows from its reference",
    "merchant_pkey": "a merchant",
    "movement_attribution_pkey": "a place of a movement, by its number",
    "movement_feed_pkey": "a feed of a provider account",
    "movement_pkey": "a movement, by the provider's key",
    "open_item_pkey": "an open item of an object",
    "operation_pkey": "an operation",
    "payment_pkey": "a payment",
    "provider_account_pkey": "a provider account",
    "provider_account_name": "the name of a provider account",
    "refund_pkey": "a refund",
    "root_key_pkey": "a root key",
    "routing_decision_pkey": "a decision for a payment",
    "routing_rules_pkey": "a version of the rules",
    "settlement_file_pkey": "a note of a settlement file, by its content",
    "provider_event_pkey": "an event",
    "provider_event_merchant_id_provider_account_id_provider_ref_key": "an event at its provider",
}
"""The unique indexes, and what each lets there be one of."""


async def test_a_second_row_is_refused(lived_in: World) -> None:
    (await lived_in.ask("webhook-endpoints", {"url": "https://1.1.1.1/hook"})).raise_for_status()
    await lived_in.pay(await lived_in.wallet("wallet:told"))
    await lived_in.rows(
        "insert into balance_watch"
        " select merchant_id, account_id, posted, held, version from balance limit 1"
    )
    await lived_in.engine.sequencer.place_batch()  # an event with its delivery
    await lived_in.engine.movement_feeds.read_batch()
    await lived_in.rows(
        "insert into delivery_attempt"
        " select merchant_id, endpoint_id, event_id, 1, now(), 1, 200, null, ''"
        " from delivery limit 1"
    )
    await fill(lived_in, 2**STORED_LEVELS)
    await seal_all(lived_in)  # as many leaves make a subtree
    await assert_sound(lived_in)  # a verification
    await lived_in.rows("insert into audit_cosignature values (1, 'a signature', now())")
    await lived_in.rows(
        "insert into engine_process values (gen_random_uuid(), 'api', 'host', '1', now(), now())"
    )
    async with await psycopg.AsyncConnection.connect(lived_in.database_url) as connection:
        await connection.execute("set session_replication_role = replica")
        for index in ONCE:
            async with connection.transaction(force_rollback=True):
                with pytest.raises(psycopg.errors.UniqueViolation, match=index):
                    await put_a_copy(connection, index)


async def put_a_copy(connection: psycopg.AsyncConnection, index: str) -> None:
    """Put in a copy of a row that differs in the columns of every other unique index."""
    row = await (
        await connection.execute(
            "select i.indrelid::regclass::text, array_agg(a.attname::text) from pg_index i"
            " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
            " where i.indexrelid = %s::regclass and i.indisunique group by i.indrelid",
            [index],
        )
    ).fetchone()
    assert row is not None, index
    table, columns = row
    others = await connection.execute(
        "select a.attname, format_type(a.atttypid, null) from pg_index i"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = %s::regclass and i.indisunique and a.attname <> all(%s)",
        [table, columns],
    )
    names = {"copy": sql.Identifier("copy"), "table": sql.Identifier(table)}
    make = "create temp table {copy} on commit drop as select * from {table} limit 1"
    await connection.execute(sql.SQL(make).format(**names))
    for column, kind in await others.fetchall():
        other = {"uuid": "gen_random_uuid()", "bigint": "1000000007"}.get(kind, "'other'")
        change = sql.SQL("update {copy} set {column} = ").format(
            **names, column=sql.Identifier(column)
        )
        await connection.execute(change + sql.SQL(other))
    insert = "insert into {table} overriding system value select * from {copy}"
    await connection.execute(sql.SQL(insert).format(**names))


async def test_every_unique_index_is_covered(world: World) -> None:
    found = await world.rows(
        "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
        " join pg_class t on t.oid = i.indrelid where i.indisunique"
        " and t.relnamespace = 'public'::regnamespace and t.relname <> 'alembic_version'"
    )
    # Only one capture or cancellation of a payment is open: there is a test of both at once. A row
    # of repetitions is there only while an event comes again, and its key is the event's.
    others = {"operation_one_at_a_time", "provider_event_repetition_pkey"}
    assert {name for (name,) in found} == ONCE.keys() | others
