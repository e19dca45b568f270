"""What is written once stays: by grants for the engine, by triggers for everybody else."""

from __future__ import annotations

import itertools

import psycopg
import pytest

from groat.platform.process.settings import APPLICATION_ROLE
from tests.support.world import World

WRITTEN_ONCE = {
    "ledger_transaction": "merchant_id",
    "ledger_entry": "merchant_id",
    "applied_effect": "merchant_id",
    "audit_record": "merchant_id",
    "audit_leaf": "merchant_id",
    "audit_node": "number",
    "audit_checkpoint": "note",
    "audit_cosignature": "line",
    "audit_verification": "size",
}
"""Tables that are only added to, each with a column to try."""

CHANGES = (
    "update {} set {} = {}",
    "delete from {}",
    "truncate {}",
)
STATEMENTS = [
    change.format(table, column, column)
    for (table, column), change in itertools.product(WRITTEN_ONCE.items(), CHANGES)
]


async def attempt(world: World, statement: str, role: str | None) -> None:
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        if role is not None:
            await connection.execute(f"set role {role}".encode())
        await connection.execute(statement.encode())


@pytest.fixture(scope="module", autouse=True)
async def _payment_and_hold(shared_world: World, shared_wallet: str) -> None:
    await shared_world.pay(shared_wallet)
    order = {"reference": "h", "account": shared_wallet, "amount": 10, "currency": "EUR"}
    (await shared_world.api.post("/v1/holds", json=order)).raise_for_status()


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_immutable_columns_cannot_be_changed(shared_world: World, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await attempt(shared_world, statement, APPLICATION_ROLE)
    with pytest.raises(psycopg.errors.RestrictViolation, match="is written once"):
        await attempt(shared_world, statement, None)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update payment set authorized = amount + 1", "payment_authorized_within_amount"),
        ("update payment set captured = amount + 1", "payment_captured_within_authorized"),
        ("update payment set refunded = captured + 1", "payment_refunds_within_captured"),
        ("update payment set refund_pending = -1", "payment_refunds_not_negative"),
        ("update payment set returned = captured + 1", "payment_returned_within_captured"),
        ("update payment set next_action_url = 'x'", "payment_action_has_status"),
        ("update operation set capture_reference = 'ch_1'", "operation_refund_has_capture"),
        ("update operation set kind = 'cancel'", "operation_amount_unless_cancel"),
        ("update payment set captured = 0", "payment_succeeded_has_captured"),
        ("update payment set failure_code = 'x'", "payment_failed_has_code"),
        ("update balance set posted = -1 where floor = 0", "balance_above_floor"),
        ("update balance set held = posted + 1 where floor = 0", "balance_above_floor"),
        ("update balance set held = -1", "balance_held_not_negative"),
        ("update hold set remaining = 0", "hold_open_has_remaining"),
        ("update hold set state = 'released'", "hold_open_has_remaining"),
        ("update hold set captured = 5", "hold_adds_up"),
    ],
)
async def test_invalid_rows_are_refused(
    shared_world: World, statement: str, constraint: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        await attempt(shared_world, statement, None)


CHANGEABLE = {
    "account": "metadata",
    "api_key": "expires_at last_used_at revoked_at",
    "audit_key": "retired_at",
    "audit_log": "sealed_id sealed_xid server",
    "balance": "held posted recorded_at status version",
    "balance_watch": "held posted version",
    "delivery": "attempts claimed_until due_at settled_at since status",
    "dispute": "status updated_at",
    "engine_process": "seen_at",
    "event": "position",
    "event_feed": "last_position purged_position",
    "event_object": "sequence",
    "hold": "captured remaining state",
    "idempotency_key": "answer claimed_at",
    "merchant": "data_key",
    "movement": "payout",
    "movement_feed": "attempts due_at reason rechecked_at watermark",
    "open_item": "booked booked_currency parent told told_currency",
    "operation": """
        decline_code due_at failure_code lookups outcome provider_message reason updated_at""",
    "payment": """
        attempts authorization_expires_at authorization_reference authorized captured decline_code
        declined_open declined_reference failure_code in_dispute next_action_url owed
        payment_method provider_account_id provider_message provider_reference refund_pending
        refunded returned route status updated_at""",
    "provider_account": "credentials deleted_at",
    "refund": "failure_code status updated_at",
    "root_key": "wrapped",
    "provider_event": """
        attempts attempts_lost claimed_until due_at failures failures_alike reason settled_at
        status""",
    "provider_event_repetition": "deliveries",
    "webhook_endpoint": "failing_since secrets status types updated_at url",
}
"""All that the application may change: nowhere whose money it is, nor how much was asked for."""


async def test_the_application_can_update_only_mutable_columns(shared_world: World) -> None:
    rows = await shared_world.rows(
        "select table_name, string_agg(column_name, ' ' order by column_name)"
        " from information_schema.column_privileges"
        " where grantee = 'groat_app' and privilege_type = 'UPDATE' group by table_name"
    )
    assert {table: columns.split() for table, columns in rows} == {
        table: sorted(columns.split()) for table, columns in CHANGEABLE.items()
    }
    others = await shared_world.rows(
        "select table_name, privilege_type from information_schema.table_privileges"
        " where grantee = 'groat_app' and privilege_type not in ('SELECT', 'INSERT')"
    )
    # What the worker purges; a trigger limits the purge of keys. Watches and processes end, too.
    purged = (
        "balance_watch",
        "delivery",
        "delivery_attempt",
        "engine_process",
        "event",
        "idempotency_key",
    )
    assert sorted(others) == [(table, "DELETE") for table in purged]


@pytest.mark.parametrize(
    "statement",
    ["delete from idempotency_key", "update idempotency_key set answer = null"],
)
async def test_a_key_and_its_answer_cannot_be_lost(shared_world: World, statement: str) -> None:
    for role in (APPLICATION_ROLE, None):
        with pytest.raises(psycopg.errors.RestrictViolation, match="kept for 30 days"):
            await attempt(shared_world, statement, role)


@pytest.mark.parametrize(
    "statement",
    [
        "update payment set beneficiary_id = gen_random_uuid()",
        "update payment set amount = 1",
        "update balance set floor = null",
        "update account set is_engine = false",
        "update hold set account_id = gen_random_uuid()",
        "update api_key set merchant_id = 1",
        "delete from operation",
    ],
)
async def test_the_application_cannot_divert_money(shared_world: World, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await attempt(shared_world, statement, APPLICATION_ROLE)
