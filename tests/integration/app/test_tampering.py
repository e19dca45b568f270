"""What an owner of the server can alter unseen: nothing but what is named here, with the reason.

Every column of every table is altered in one row, and every row of every table taken out, one at a
time, past triggers and foreign keys.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.support.feed import place_all
from tests.support.sealing import seal_all
from tests.support.soundness import assert_sound, failures, log_failures
from tests.support.world import World

UNSEEN_CHANGES = {
    "a time that nothing is decided by": """
        account.created_at api_key.created_at api_key.last_used_at applied_effect.applied_at
        audit_checkpoint.created_at
        audit_key.created_at dispute.created_at
        dispute.updated_at hold.created_at idempotency_key.created_at merchant.created_at
        operation.created_at operation.updated_at payment.created_at payment.updated_at
        payment.authorization_expires_at provider_account.created_at refund.created_at
        refund.updated_at routing_decision.decided_at routing_rules.created_at movement.recorded_at
        movement_attribution.attributed_at open_item.since settlement_file.imported_at""",
    "it may name a person, so the record does not hold it; the application cannot change it": """
        api_key.name refund.metadata refund.reason""",
    "callers may change it, and nothing is decided by it": "account.metadata",
    "a wrong value opens nothing: it is encrypted, or compared with a keyed hash": """
        api_key.secret_hash idempotency_key.answer merchant.data_key
        provider_account.credentials root_key.wrapped""",
    "it tells a repeated request from another; a wrong value refuses the repetition": """
        hold.request_hash ledger_transaction.request_hash""",
    "progress of work: a wrong value makes work early or late, or is a text for people": """
        balance_watch.account_id balance_watch.held balance_watch.merchant_id
        balance_watch.posted balance_watch.version
        idempotency_key.claimed_at movement_feed.attempts movement_feed.due_at
        movement_feed.merchant_id movement_feed.provider_account_id movement_feed.reason
        movement_feed.rechecked_at movement_feed.starts_at movement_feed.watermark
        operation.decline_code operation.due_at operation.failure_code
        operation.lookups operation.provider_message operation.reason payment.provider_message""",
    "the record does not hold it yet": """
        dispute.id payment.attempts payment.attempts_max
        payment.declined_reference payment.payment_method payment.provider_reference
        payment.statement_descriptor routing_decision.decision routing_decision.merchant_id
        routing_decision.payment_id routing_decision.rules_version""",
    "the provider tells it, and every reading of its books shows it again": """
        movement.category movement.fee_parts movement.label movement.parent movement.payout
        movement.source""",
    "it says why, or groups objects of one charge; the amounts are checked": """
        movement_attribution.reason open_item.parent""",
    "where the sealer goes on; what it has passed over wrongly is found": """
        audit_log.server audit_log.sealed_xid audit_log.sealed_id""",
    "the order in which records were sealed, which is done": "audit_record.xid",
    "it signs future checkpoints; a wrong value signs nothing": """
        audit_key.id audit_key.private_key audit_key.retired_at""",
    "where the next verification begins; a full one does not read it": """
        audit_verification.id audit_verification.size audit_verification.ok
        audit_verification.findings audit_verification.started_at
        audit_verification.finished_at""",
    "it shows the merchant the object at that moment; the object itself is on the record": """
        event.data event.previous event.type""",
    "it tells an old cursor that it has missed events, too early or too late": """
        event_feed.purged_position""",
    "where events go and how that went; the merchant reads it, and no money depends on it": """
        webhook_endpoint.created_at webhook_endpoint.failing_since
        webhook_endpoint.secrets webhook_endpoint.status webhook_endpoint.updated_at
        webhook_endpoint.url delivery.attempts delivery.claimed_until
        delivery.created_at delivery.due_at delivery.settled_at delivery.since delivery.status
        delivery_attempt.answer delivery_attempt.latency_ms delivery_attempt.number
        delivery_attempt.started_at delivery_attempt.status_code""",
    "positions have gaps; a value below a position is seen": "event_feed.last_position",
    "progress of a provider event, and what tells its deliveries apart": """
        provider_event.attempts provider_event.attempts_lost provider_event.claimed_until
        provider_event.deliveries provider_event.due_at provider_event.failures
        provider_event.failures_alike provider_event.received_at provider_event.settled_at
        provider_event.transmission_id""",
}
UNSEEN_REMOVALS = {
    "a checkpoint before the newest; the log proves that it was consistent": "audit_checkpoint",
    "where the next verification begins; a full one does not read it": "audit_verification",
    "it explains a route that was taken": "routing_decision",
    "without it no process starts": "root_key",
    "a movement that was read and not posted; the next reading stores it again": "movement",
    "the merchant no longer gets events of a balance, and can ask for them again": "balance_watch",
    "the progress of a reading; the next one begins at the start again": "movement_feed",
}

_OTHER_VALUE = {
    "bigint": "{column} + 1",
    "integer": "{column} + 1",
    "smallint": "{column} + 1",
    "boolean": "not {column}",
    "xid8": "({column}::text::bigint + 1)::text::xid8",
    "text": "{column} || 'x'",
    "uuid": "gen_random_uuid()",
    "bytea": "set_byte({column}, 0, get_byte({column}, 0) # 1)",
    "jsonb": """'{{"altered": "yes"}}'""",
    "timestamp with time zone": "{column} + interval '1 second'",
}
_SOME_VALUE = {
    "bigint": "0",
    "text": "'x'",
    "jsonb": "'{{}}'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
}


_ATTEMPT = """
    with sent as (
        update delivery set status = 'delivered', attempts = 1, settled_at = now()
        where event_id = (select max(event_id::text)::uuid from delivery)
        returning merchant_id, endpoint_id, event_id
    )
    insert into delivery_attempt
        (merchant_id, endpoint_id, event_id, number, started_at, latency_ms, status_code, answer)
    select merchant_id, endpoint_id, event_id, 1, now(), 5, 200, 'taken' from sent
"""
"""One of the two deliveries succeeds."""

_QUIET_SINCE = """
    update webhook_endpoint set updated_at = (select max(created_at) from event) - interval '1 min'
"""
"""The endpoint existed before the next event, as far as clocks that differ can tell."""


@pytest.fixture
async def sealed(lived_in: World) -> World:
    """A world whose records are all in the log, which was verified once."""
    await place_all(lived_in)
    await lived_in.ask("webhook-endpoints", {"url": "https://1.1.1.1/"})  # nothing is sent there
    await lived_in.rows(_QUIET_SINCE)
    await lived_in.pay(await lived_in.wallet("wallet:told"))
    await place_all(lived_in)
    await lived_in.rows(
        "insert into balance_watch"
        " select merchant_id, account_id, posted, held, version from balance limit 1"
    )
    await lived_in.rows(_ATTEMPT)
    await seal_all(lived_in)
    await lived_in.wallet("wallet:sealed-later")
    await seal_all(lived_in)
    await assert_sound(lived_in)
    return lived_in


@pytest.fixture
def server(sealed: World) -> Iterator[psycopg.Connection]:
    with psycopg.connect(sealed.database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("alter table account alter number drop identity")
        yield connection
        connection.rollback()


def _columns(server: psycopg.Connection) -> list[tuple[str, str, str]]:
    return server.execute(
        "select c.table_name, c.column_name, c.data_type from information_schema.columns c"
        " join information_schema.tables t using (table_schema, table_name)"
        " where c.table_schema = 'public' and t.table_type = 'BASE TABLE'"
        " and c.table_name <> 'alembic_version' order by 1, c.ordinal_position"
    ).fetchall()


def _others(server: psycopg.Connection, table: str, kind: str) -> list[str]:
    """Return SQL for other values of a column: any, and those that its CHECK or type names."""
    named = [
        f"'{value}'"
        for (value,) in server.execute(
            "select m[1] from pg_constraint, regexp_matches(pg_get_constraintdef(oid), "
            "'''([a-z_]+)''::text', 'g') as m where conrelid = %s::regclass and contype = 'c'"
            " union select enumlabel::text from pg_enum where %s = 'USER-DEFINED'",
            (table, kind),
        )
    ]
    return [_OTHER_VALUE[kind], *named] if kind in _OTHER_VALUE else named


def _alter(server: psycopg.Connection, table: str, column: str, value: str, where: str) -> bool:
    """Alter a column in one row; return whether a row was altered to something else."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    text = """
        update {table} set {column} = <value>
        where ctid = (select ctid from {table} where {column} is <where> order by ctid limit 1)
            and {column} is distinct from (<value>)
    """.replace("<value>", value).replace("<where>", where)
    return server.execute(sql.SQL(text).format(**names)).rowcount == 1


def _is_seen(server: psycopg.Connection) -> bool:
    return any(failures(server)) or any(log_failures(server))


def _named(unseen: dict[str, str]) -> set[str]:
    return {name for names in unseen.values() for name in names.split()}


def test_each_changed_column_is_detected_except_the_named_ones(server: psycopg.Connection) -> None:
    unseen = set()
    for table, column, kind in _columns(server):
        candidates = [(value, "not null") for value in _others(server, table, kind)]
        candidates += [(_SOME_VALUE[kind], "null")] if kind in _SOME_VALUE else []
        for value, where in candidates:
            try:
                with server.transaction(force_rollback=True):
                    if _alter(server, table, column, value, where) and not _is_seen(server):
                        unseen.add(f"{table}.{column}")
            except (psycopg.IntegrityError, psycopg.DataError):
                continue
    assert unseen == _named(UNSEEN_CHANGES), sorted(unseen ^ _named(UNSEEN_CHANGES))


def test_each_deleted_row_is_detected_except_in_the_named_tables(
    server: psycopg.Connection,
) -> None:
    unseen = set()
    for table in sorted({table for table, _, _ in _columns(server)}):
        name = sql.Identifier(table)
        for (row,) in server.execute(sql.SQL("select ctid::text from {}").format(name)).fetchall():
            with server.transaction(force_rollback=True):
                server.execute(sql.SQL("delete from {} where ctid = %s::tid").format(name), (row,))
                if not _is_seen(server):
                    unseen.add(table)
    assert unseen == _named(UNSEEN_REMOVALS)
