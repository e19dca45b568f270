"""The money oracle: silent about what is right, and to the point about each thing that is not."""

from __future__ import annotations

import asyncio
from typing import LiteralString

import pytest

from groat.app.verify import all_checks, as_document, verify
from groat.platform.checks import Finding
from tests.integration.world import BAD_STRIPE, World


@pytest.fixture
async def lived_in(world: World) -> World:
    """A world with payments of every kind, and webhooks applied."""
    wallet = await world.wallet()
    for _ in range(2):
        await world.pay(wallet)
    await world.pay(wallet, payment_method=BAD_STRIPE)
    keyed = {"idempotency-key": "order-1"}
    await world.api.post("/v1/payments", json=world.order(wallet), headers=keyed)
    await world.pay(wallet, provider_account=world.paypal.account, payment_method="card:vault_visa")
    refunded, disputed = [await world.pay(wallet) for _ in range(2)]
    await world.refund(refunded, amount=100)
    await world.stripe.pull("dispute", disputed)
    await world.command(await world.reserve(wallet), "cancel")
    await world.deliver_all(await world.posted_mail())
    await world.drain()
    await move_money(world, wallet)
    return world


async def move_money(world: World, wallet: str) -> None:
    """Make a transfer, its reversal, and holds that are captured, released and open."""
    other = await world.wallet("wallet:bob")
    common = {"amount": 100, "currency": "EUR"}
    transfer = {**common, "reference": "t", "debit_account": wallet, "credit_account": other}
    made = (await world.api.post("/v1/transfers", json=transfer)).raise_for_status().json()
    await world.api.post(f"/v1/transfers/{made['id']}/reverse")
    for name in ("captured", "released", "open"):
        order = {**common, "reference": name, "account": wallet}
        hold = (await world.api.post("/v1/holds", json=order)).raise_for_status().json()
        take = {"reference": f"take-{name}", "credit_account": other}
        if name == "captured":
            await world.api.post(f"/v1/holds/{hold['id']}/capture", json=take)
        if name == "released":
            await world.api.post(f"/v1/holds/{hold['id']}/release")


async def check(world: World) -> tuple[list[Finding], dict[str, str]]:
    """Return all findings, and what those that failed say."""
    findings = await asyncio.to_thread(verify, world.settings, lambda _: None)
    return findings, {one.name: one.detail for one in findings if not one.ok}


async def test_a_clean_database_holds(lived_in: World) -> None:
    findings, failed = await check(lived_in)
    assert failed == {}
    assert len(findings) == len(all_checks())
    assert all(finding.examined > 0 for finding in findings)
    assert as_document(findings)["ok"] is True


async def test_an_empty_database_holds(world: World) -> None:
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
        "select batch_id::text from ledger_transaction where kind = 'transfer'",
        "update ledger_transaction set reference = reference || 'x' where batch_id::text = ",
        {"transactions_match_record"},
    ),
    (
        "select batch_id::text from ledger_transaction where kind = 'transfer'",
        "update ledger_transaction set effective_at = recorded_at where batch_id::text = ",
        {"transactions_match_record"},
    ),
    (
        "select account_id::text from hold where state = 'open'",
        "update hold set remaining = remaining - 1 where state = 'open' and account_id::text = ",
        {"held_matches_holds"},
    ),
    (
        "select min(reference) from applied_effect where reference like 'ch_%%'",
        "update applied_effect set amount = amount + 1 where reference = ",
        {"effects_are_posted_once", "payments_match_effects"},
    ),
    (
        "select min(reference) from applied_effect where reference like 'ch_%%'",
        "delete from ledger_transaction where split_part(reference, ':', 3) = ",
        {"entries_have_parents", "effects_are_posted_once", "transactions_match_record"},
    ),
    (
        "select min(id::text) from audit_record",
        "update audit_record set body = set_byte(body, 9, get_byte(body, 9) # 1) where id::text = ",
        {"leaf_hashes"},
    ),
    (
        "select min(id::text) from payment where status = 'succeeded'",
        "update payment set captured = captured - 1 where id::text = ",
        {"payments_match_effects"},
    ),
    (
        "select min(id::text) from payment where status = 'failed'",
        "update operation set outcome = 'succeeded' where payment_id::text = ",
        {"payments_match_operations"},
    ),
    (
        "select min(transaction_id::text) from applied_effect where kind = 'captured'",
        "delete from applied_effect where transaction_id::text = ",
        {"payments_match_effects", "payments_match_record", "postings_have_effects"},
    ),
    (
        "select min(id::text) from payment where status = 'failed'",
        "update payment set status = 'processing', failure_code = null where id::text = ",
        {"payments_match_operations"},
    ),
    (
        "select min(id::text) from payment where status = 'failed'",
        "update payment set amount = amount + 1 where id::text = ",
        {"payments_match_record"},
    ),
    (
        "select min(id::text) from payment where status = 'succeeded'",
        (
            "delete from audit_record where convert_from(body, 'UTF8') like '%%payment.captured%%'"
            " and object_id::text = "
        ),
        {"payments_match_record"},
    ),
    (
        "select min(id::text) from audit_record",
        "update audit_record set recorded_at = recorded_at - interval '1 day' where id::text = ",
        {"leaf_hashes"},
    ),
    (
        "select min(reference) from applied_effect where reference like 'ch_%%'",
        "update ledger_transaction set kind = 'transfer' where split_part(reference, ':', 3) = ",
        {"effects_are_posted_once", "transactions_match_record"},
    ),
    (
        "select payment_id::text from refund",
        "update refund set amount = amount + 1 where payment_id::text = ",
        {"payments_match_refunds", "refunds_match_operations"},
    ),
    (
        "select refund_id::text from operation where kind = 'refund'",
        "update operation set outcome = 'declined' where refund_id::text = ",
        {"refunds_match_operations"},
    ),
    (
        "select payment_id::text from dispute",
        "update dispute set withdrawn = withdrawn + 1 where payment_id::text = ",
        {"payments_match_disputes"},
    ),
    (
        "select min(key) from idempotency_key",
        "update idempotency_key set object_id = gen_random_uuid() where key = ",
        {"idempotency_keys_have_objects"},
    ),
    (
        "select min(e.id::text) from webhook_event e where status = 'processed'",
        "update webhook_event set reason = null where id::text = ",
        {"events_are_accounted_for"},
    ),
    (
        "select min(id::text) from webhook_event",
        "update webhook_event set provider_account_id = gen_random_uuid() where id::text = ",
        {"events_have_provider_accounts"},
    ),
]


@pytest.mark.parametrize(("find", "change", "expected"), TAMPERED, ids=range(len(TAMPERED)))
async def test_each_way_of_tampering_is_found_and_named(
    lived_in: World, find: LiteralString, change: LiteralString, expected: set[str]
) -> None:
    [(victim,)] = await lived_in.rows(find)
    await lived_in.tamper(change, victim)
    findings, failed = await check(lived_in)
    assert failed.keys() == expected
    assert any(victim in detail for detail in failed.values()), failed
    assert as_document(findings)["ok"] is False


async def test_every_check_was_seen_to_fail() -> None:
    assert set().union(*(expected for _, _, expected in TAMPERED)) == {
        one.name for one in all_checks()
    }
