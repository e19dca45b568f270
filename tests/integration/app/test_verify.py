"""The money oracle: silent about what is right, and to the point about each thing that is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import LiteralString

import psycopg

from groat.accounts.domain.decisions import FactPostings
from groat.accounts.domain.kinds import TRANSFER
from groat.accounts.domain.ledger import Entry, Transaction
from groat.app.verify import all_checks, as_document, verify
from groat.audit.service.verification import RULES
from groat.kernel.ids import AccountId
from groat.platform.postgres.checks import Finding
from tests.support.sealing import seal_all
from tests.support.soundness import failures
from tests.support.world import World


async def check(world: World) -> tuple[list[Finding], dict[str, str]]:
    """Return all findings, and what those that failed say."""
    findings = await asyncio.to_thread(verify, world.settings, lambda _: None)
    return findings, {one.name: one.detail for one in findings if not one.ok}


async def test_an_untampered_database_passes_every_check(lived_in: World) -> None:
    await seal_all(lived_in)
    await tell(lived_in)  # its records are not sealed
    findings, failed = await check(lived_in)
    assert failed == {}
    assert [finding.name for finding in findings] == [
        *(check.name for check in all_checks()),
        *RULES,
    ]
    assert all(finding.examined > 0 for finding in findings)
    assert as_document(findings)["ok"] is True


async def test_an_empty_database_passes_every_check(world: World) -> None:
    _, failed = await check(world)
    assert failed == {}


TAMPERED: list[tuple[LiteralString, LiteralString, set[str]]] = [
    (
        "select account_id::text from balance order by account_id limit 1",
        "update balance set posted = posted + 1 where account_id::text = ",
        {"balances_match_entries"},
    ),
    (
        "select min(transaction_id::text) from applied_effect where kind = 'captured'",
        "update ledger_entry set amount = amount + 1 where amount > 0 and transaction_id::text = ",
        {
            "transactions_sum_to_zero",
            "currencies_sum_to_zero",
            "balances_match_entries",
            "entries_follow_each_other",
            "effects_are_posted_once",
            "transactions_match_record",
        },
    ),
    (
        "select max(concat('number ', account_number, ' at ', recorded_at)) from ledger_entry",
        (
            "update ledger_entry set balance_after = 1"
            " where concat('number ', account_number, ' at ', recorded_at) = "
        ),
        {"entries_follow_each_other"},
    ),
    (
        "select batch_id::text from ledger_transaction where kind = 1",
        "update ledger_transaction set reference = reference || 'x' where batch_id::text = ",
        {"transactions_match_record"},
    ),
    (
        "select batch_id::text from ledger_transaction where kind = 1",
        "update ledger_transaction set effective_at = recorded_at where batch_id::text = ",
        {"transactions_match_record"},
    ),
    (
        "select account_id::text from hold where state = 'open'",
        "update hold set remaining = remaining - 1 where state = 'open' and account_id::text = ",
        {"held_matches_holds", "holds_match_record"},
    ),
    (
        "select min(reference) from applied_effect where reference like 'ch_%%'",
        "update applied_effect set amount = amount + 1 where kind = 'captured' and reference = ",
        {
            "effects_are_posted_once",
            "payments_match_effects",
            "effects_match_record",
            "open_items_match_reports",
        },
    ),
    (
        "select min(reference) from applied_effect where reference like 'ch_%%'",
        ("delete from ledger_transaction where kind = 16 and split_part(reference, ':', 4) = "),
        {
            "entries_have_parents",
            "effects_are_posted_once",
            "movements_are_posted_once",
            "transactions_match_record",
        },
    ),
    (
        (
            "select min(r.id::text) from audit_record r join payment p on p.id = r.object_id"
            " where convert_from(body, 'UTF8') like '%%dispute_opened%%'"
        ),
        "update audit_record set body = set_byte(body, 9, get_byte(body, 9) # 1) where id::text = ",
        {"leaf_hashes", "disputes_match_record"},
    ),
    (
        "select min(id::text) from payment where status = 'succeeded'",
        "update payment set captured = captured - 1 where id::text = ",
        {"payments_match_effects"},
    ),
    (
        "select min(id::text) from payment where status = 'requires_payment_method'",
        "update operation set outcome = 'succeeded' where payment_id::text = ",
        {"payments_match_operations"},
    ),
    (
        "select min(transaction_id::text) from applied_effect where kind = 'captured'",
        "delete from applied_effect where transaction_id::text = ",
        {
            "payments_match_effects",
            "effects_match_record",
            "postings_have_effects",
            "open_items_match_reports",
        },
    ),
    (
        "select min(id::text) from payment where status = 'requires_payment_method'",
        "update payment set status = 'processing', failure_code = null where id::text = ",
        {"payments_match_operations"},
    ),
    (
        "select min(typeid('pay', id)) from payment",
        "update payment set customer_email = 'eve@shop.example' where typeid('pay', id) = ",
        {"personal_data_matches_record"},
    ),
    (
        "select min(typeid('pay', id)) from payment",
        "update payment set metadata = '{\"vip\": \"yes\"}' where typeid('pay', id) = ",
        {"personal_data_matches_record"},
    ),
    (
        "select min(typeid('pay', id)) from payment",
        "update payment set payment_method_kind = 'wallet' where typeid('pay', id) = ",
        {"payments_match_record"},
    ),
    (
        "select min(typeid('pay', id)) from payment where status = 'requires_payment_method'",
        "update payment set amount = amount + 1 where typeid('pay', id) = ",
        {"payments_match_record"},
    ),
    (
        (
            "select e.reference from applied_effect e join refund r using (merchant_id, payment_id)"
            " where e.kind = 'captured'"
        ),
        (
            "delete from audit_record where convert_from(body, 'UTF8') like '%%payment.captured%%'"
            " and convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'effect' = "
        ),
        {"effects_match_record", "events_tell_changes"},
    ),
    (
        "select min(id::text) from audit_record",
        "update audit_record set recorded_at = recorded_at - interval '1 day' where id::text = ",
        {"leaf_hashes"},
    ),
    (
        "select min(reference) from applied_effect where reference like 'ch_%%'",
        (
            "update ledger_transaction set kind = 1 where kind = 16"
            " and split_part(reference, ':', 4) = "
        ),
        {"effects_are_posted_once", "transactions_match_record"},
    ),
    (
        "select payment_id::text from refund",
        "update refund set amount = amount + 1 where payment_id::text = ",
        {"payments_match_refunds", "refunds_match_operations", "refunds_match_record"},
    ),
    (
        "select refund_id::text from operation where kind = 'refund'",
        "update operation set outcome = 'declined' where refund_id::text = ",
        {"refunds_match_operations"},
    ),
    (
        "select payment_id::text from dispute",
        "update dispute set amount = amount + 1 where payment_id::text = ",
        {"payments_match_disputes", "disputes_match_record"},
    ),
    (
        "select payment_id::text from dispute",
        "update payment set owed = owed + 1 where id::text = ",
        {"debts_match_postings", "receivables_match_debts"},
    ),
    (
        "select min(key) from idempotency_key",
        "update idempotency_key set object_id = gen_random_uuid() where key = ",
        {"idempotency_keys_match_record"},
    ),
    (
        "select min(typeid('pev', id)) from provider_event where reason = 'already_so'",
        "update provider_event set reason = null where typeid('pev', id) = ",
        {"events_are_accounted_for", "events_match_record"},
    ),
    (
        "select min(typeid('pev', id)) from provider_event where settled_at is not null",
        "update provider_event set body = body || 'x' where typeid('pev', id) = ",
        {"events_match_record"},
    ),
    (
        "select min(typeid('pev', id)) from provider_event where status = 'processed'",
        "delete from provider_event where typeid('pev', id) = ",
        {"events_match_record"},
    ),
    (
        "select min(name) from merchant",
        "update merchant set name = name || '!' where name = ",
        {"merchants_match_record"},
    ),
    (
        "select typeid('key', id) from api_key",
        "delete from api_key where typeid('key', id) = ",
        {"api_keys_match_record"},
    ),
    (
        "select min(typeid('pac', id)) from provider_account",
        "update provider_account set provider = 'elsewhere' where typeid('pac', id) = ",
        {"provider_accounts_match_record"},
    ),
    (
        "select code from account where code = 'wallet:alice'",
        (
            "update balance b set floor = null from account a"
            " where a.id = b.account_id and a.code = "
        ),
        {"accounts_match_record"},
    ),
    (
        "select min(typeid('pay', id)) from payment where status = 'canceled'",
        (
            "update payment set beneficiary_id = (select id from account where code = 'wallet:bob')"
            " where typeid('pay', id) = "
        ),
        {"payments_match_record"},
    ),
    (
        "select min(typeid('op', id)) from operation where kind = 'cancel'",
        "delete from operation where typeid('op', id) = ",
        {"operations_match_record"},
    ),
    (
        "select version::text from routing_rules",
        "update routing_rules set rules = '{\"rules\": []}' where version::text = ",
        {"routing_rules_match_record"},
    ),
    (
        "select min(typeid('pev', id)) from provider_event where settled_at is not null",
        (
            "update provider_event set provider_account_id = gen_random_uuid()"
            " where typeid('pev', id) = "
        ),
        {"events_have_provider_accounts", "events_match_record"},
    ),
    (
        "select key from movement where key = 'txn_charged'",
        "update movement set gross = gross + 1 where key = ",
        {
            "movements_are_posted_once",
            "provider_balances_match_movements",
            "open_items_match_reports",
        },
    ),
    (
        "select key from movement where key = 'txn_read'",
        "update movement set provider_account_id = gen_random_uuid() where key = ",
        {"movements_have_accounts"},
    ),
    (
        "select reference from open_item where reference = 'ch_txn_charged'",
        "update open_item set booked = booked + 1 where reference = ",
        {"open_items_match_reports", "clearing_matches_open_items"},
    ),
    (
        "select movement_key from movement_attribution where movement_key = 'txn_unknown_0'",
        ("update movement_attribution set place = 'foreign', reason = null where movement_key = "),
        {"movements_are_posted_once", "places_match_movements"},
    ),
    (
        "select movement_key from movement_attribution where number = 2",
        (
            "update movement_attribution set transaction_id = gen_random_uuid() where number = 2"
            " and movement_key = "
        ),
        {"moved_movements_are_posted", "movement_postings_have_movements"},
    ),
    (
        "select transaction_id::text from movement_attribution where place = 'in_transit'",
        "delete from movement_attribution where transaction_id::text = ",
        {
            "movement_postings_have_movements",
            "places_match_movements",
            "provider_balances_match_movements",
        },
    ),
    (
        "select name from settlement_file",
        "update settlement_file set movements = movements + 1 where name = ",
        {"settlement_files_match_record"},
    ),
    (
        "select min(typeid('aud', id)) from audit_record",
        (
            "insert into audit_leaf select 0, merchant_id, id, sha256('x') from audit_record"
            " where typeid('aud', id) = "
        ),
        {"records_match_leaves"},
    ),
    (
        "select min(id::text) from event",
        "update event set created_at = created_at - interval '1 day' where id::text = ",
        {"events_tell_changes"},
    ),
    (
        "select max(object_id::text) from event",
        "update event_object set sequence = sequence + 1 where id::text = ",
        {"events_are_in_sequence"},
    ),
    (
        "select min(id::text) from event where position is not null",
        (
            "update event_feed f set last_position = 0 from event e"
            " where e.merchant_id = f.merchant_id and e.id::text = "
        ),
        {"events_are_within_their_feeds"},
    ),
    (
        "select min(id::text) from event where position is not null",
        "delete from delivery where event_id::text = ",
        {"events_have_deliveries"},
    ),
    (
        "select min(event_id::text) from delivery",
        "update delivery set position = position + 1 where event_id::text = ",
        {"deliveries_match_events"},
    ),
    (
        "select min(event_id::text) from delivery",
        (
            "update delivery set status = 'delivered', settled_at = now(), due_at = now()"
            " where event_id::text = "
        ),
        {"deliveries_match_attempts"},
    ),
]


async def tell(world: World) -> None:
    """Make an endpoint of webhooks, to which events are due since an hour."""
    (await world.ask("webhook-endpoints", {"url": "https://1.1.1.1/hook"})).raise_for_status()
    await world.pay(await world.wallet("wallet:told"))
    await world.engine.sequencer.place_batch()
    await world.rows("update webhook_endpoint set updated_at = updated_at - interval '1 hour'")


async def test_each_way_of_tampering_is_found_and_named(lived_in: World) -> None:
    """Each is tried in a transaction past triggers and foreign keys, and undone."""
    await tell(lived_in)
    with psycopg.connect(lived_in.database_url) as connection:
        connection.execute("set session_replication_role = replica")
        for find, change, expected in TAMPERED:
            with connection.transaction(force_rollback=True):
                row = connection.execute(find).fetchone()
                assert row is not None, find
                assert connection.execute(change + "%s", row).rowcount == 1, change
                failed = dict(failures(connection))
            assert failed.keys() == expected, change
            assert any(row[0] in offender for offender in failed.values()), (change, failed)


async def test_a_debit_of_clearing_without_an_effect_is_found(lived_in: World) -> None:
    """It is balanced, in order and on the record: only effects tell that nothing happened."""
    rows = await lived_in.rows(
        "select code, id from account where code like 'clearing:%%:eur' or code = 'wallet:alice'"
    )
    accounts = {code.split(":")[0]: AccountId(account_id) for code, account_id in rows}
    entries = Entry(accounts["clearing"], -100, "EUR"), Entry(accounts["wallet"], 100, "EUR")
    made = Transaction.of(lived_in.merchant_id, TRANSFER, "by-hand", entries)
    engine, merchant_id, now = lived_in.engine, lived_in.merchant_id, datetime.now(UTC)
    async with engine.database.transaction() as connection:
        _, changes = await engine.postings.post(
            connection, merchant_id, FactPostings([made]), "operator", now
        )
        await engine.audit.write(connection, merchant_id, changes, now)
    _, failed = await check(lived_in)
    assert failed.keys() == {"clearing_matches_open_items"}
    assert "clearing:" in failed["clearing_matches_open_items"]


async def test_a_transfer_deleted_with_all_its_rows_is_found(lived_in: World) -> None:
    """Its entries are gone too, and the balances are as if it had never been."""
    await lived_in.api.post(
        "/v1/transfers",
        json={
            "reference": "gone",
            "debit_account": await lived_in.wallet("wallet:x", floor=-100),
            "credit_account": await lived_in.wallet("wallet:y"),
            "amount": 100,
            "currency": "EUR",
        },
    )
    for statement in (
        (
            "update balance set posted = 0, version = 0 where account_id in (select id from account"
            " where code in ('wallet:x', 'wallet:y'))"
        ),
        (
            "delete from ledger_entry where transaction_id = (select id from ledger_transaction"
            " where reference = 'gone')"
        ),
        "delete from ledger_transaction where reference = 'gone'",
    ):
        await lived_in.rows("set session_replication_role = replica;" + statement)
    _, failed = await check(lived_in)
    assert failed.keys() == {"transactions_match_record"}


async def test_every_check_was_seen_to_fail() -> None:
    assert set().union(*(expected for _, _, expected in TAMPERED)) == {
        one.name for one in all_checks()
    }
