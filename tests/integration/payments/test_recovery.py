"""What nobody knows the outcome of is asked for until somebody does; it is never guessed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from groat.app.verify import verify
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from tests.support.http_servers import until
from tests.support.world import BAD_PAYPAL, BAD_STRIPE, GOOD_PAYPAL, GOOD_STRIPE, World

PROVIDERS = ("stripe", "paypal")
METHODS = {
    "stripe": {True: GOOD_STRIPE, False: BAD_STRIPE},
    "paypal": {True: GOOD_PAYPAL, False: BAD_PAYPAL},
}


async def pay(
    world: World, provider: str, fault: str, *, good: bool = True
) -> tuple[str, dict[str, Any]]:
    """Return a wallet and a payment into it whose call went wrong; the fault is gone again."""
    site = world.site(provider)
    wallet = await world.wallet()
    await site.set_faults(answer=fault)
    payment = await world.pay(
        wallet, provider_account=site.account, payment_method=METHODS[provider][good]
    )
    await site.set_faults()
    assert payment["status"] == "processing"
    return wallet, payment


async def recover(world: World) -> int:
    await world.make_due()
    return await world.engine.recovery.recover_batch()


async def operation(world: World) -> tuple[str, int]:
    [row] = await world.rows("select outcome, lookups from operation")
    return row[0], row[1]


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "html"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_lost_answer_is_recovered_and_the_customer_charged_once(
    world: World, provider: str, fault: str
) -> None:
    wallet, payment = await pay(world, provider, fault)
    assert await operation(world) == ("unknown", 0)
    assert await recover(world) == 1
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert await operation(world) == ("succeeded", 1)
    assert await world.balance(wallet) == 1050
    assert len(await world.site(provider).charges()) == 1
    await world.deliver_all(await world.posted_mail())
    await world.drain()
    assert await world.balance(wallet) == 1050
    assert await recover(world) == 0
    assert all(finding.ok for finding in await asyncio.to_thread(verify, world.settings, print))


@pytest.mark.parametrize("hours", [-24, 24])
async def test_a_host_with_a_wrong_clock_looks_up_neither_too_early_nor_never(
    world: World, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    wrong = timedelta(hours=hours)
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + wrong)
    _, payment = await pay(world, "stripe", "cut_after")
    assert await world.engine.recovery.recover_batch() == 0
    assert await recover(world) == 1
    assert (await world.payment(payment["id"]))["status"] == "succeeded"


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_lost_decline_is_recovered(world: World, provider: str, fault: str) -> None:
    wallet, payment = await pay(world, provider, fault, good=False)
    assert await recover(world) == 1
    found = await world.payment(payment["id"])
    assert found["status"] == "requires_payment_method"
    assert found["failure_code"] == "insufficient_funds"
    assert await world.balance(wallet) == 0
    assert await world.site(provider).charges() == []


async def test_at_stripe_a_permanent_500_is_resolved_by_search(world: World) -> None:
    _, payment = await pay(world, "stripe", "broken")
    assert await recover(world) == 1
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert len(await world.stripe.charges()) == 1


async def test_at_paypal_a_permanent_500_is_resolved_by_its_webhook(
    world: World,
) -> None:
    wallet, payment = await pay(world, "paypal", "broken")
    for lookup in range(1, 4):
        assert await recover(world) == 1
        assert await operation(world) == ("unknown", lookup)
        assert (await world.payment(payment["id"]))["status"] == "processing"
    await world.deliver_all(await world.posted_mail("PAYMENT.CAPTURE.COMPLETED"))
    await world.drain()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert await world.balance(wallet) == 1050
    assert len(await world.paypal.charges()) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unreachable_provider_leaves_the_outcome_unknown(
    world: World, provider: str
) -> None:
    _, payment = await pay(world, provider, "cut_before")
    await world.site(provider).set_faults(answer="cut_before")
    [[before]] = await world.rows("select due_at from operation")
    assert await recover(world) == 1
    assert await operation(world) == ("unknown", 1)
    assert (await world.payment(payment["id"]))["status"] == "processing"
    [[after]] = await world.rows("select due_at from operation")
    assert after > before


@pytest.mark.parametrize("hours", [0, -72])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_call_is_repeated_after_the_provider_forgot_its_key(
    world: World, monkeypatch: pytest.MonkeyPatch, provider: str, hours: int
) -> None:
    """Whatever the clock of the host says."""
    _, payment = await pay(world, provider, "cut_before")
    wrong = timedelta(hours=hours)
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + wrong)
    await world.rows("update operation set created_at = created_at - interval '2 days'")
    assert await recover(world) == 1
    assert await world.rows("select outcome, reason from operation") == [
        ("unknown", "not_settled_at_provider")
    ]
    assert (await world.payment(payment["id"]))["status"] == "processing"
    assert await world.site(provider).charges() == []


async def test_many_workers_look_an_operation_up_once(world: World) -> None:
    wallet, _ = await pay(world, "stripe", "cut_after")
    await world.make_due()
    recover_batch = world.engine.recovery.recover_batch
    asked = await asyncio.gather(*(recover_batch() for _ in range(5)))
    assert sorted(asked) == [0, 0, 0, 0, 1]
    assert await world.balance(wallet) == 1050


async def test_a_webhook_can_settle_a_payment_before_its_lookup(world: World) -> None:
    wallet, _ = await pay(world, "stripe", "cut_after")
    await world.deliver_all(await world.posted_mail())
    await asyncio.gather(world.drain(), recover(world))
    await recover(world)
    assert await operation(world) in [("succeeded", 0), ("succeeded", 1)]
    assert await world.balance(wallet) == 1050


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_caller_can_request_a_lookup_at_once(world: World, provider: str) -> None:
    wallet, payment = await pay(world, provider, "cut_after")
    answers = await asyncio.gather(*(world.ask(f"payments/{payment['id']}/sync") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    told = {(answer.json()["asked"], answer.json()["reason"]) for answer in answers}
    assert (True, None) in told
    assert told <= {(True, None), (False, "being_asked"), (False, "nothing_open")}
    again = (await world.ask(f"payments/{payment['id']}/sync")).json()
    assert again["status"] == "succeeded"
    assert (again["asked"], again["reason"]) == (False, "nothing_open")
    assert len(await world.site(provider).charges()) == 1
    assert await world.balance(wallet) == 1050


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_sync_reports_an_unanswered_lookup(world: World, provider: str) -> None:
    _, payment = await pay(world, provider, "cut_before")
    await world.site(provider).set_faults(answer="cut_before")
    synced = (await world.ask(f"payments/{payment['id']}/sync")).json()
    assert (synced["status"], synced["asked"]) == ("processing", False)
    assert synced["reason"] not in {None, "being_asked", "nothing_open"}
    await world.site(provider).set_faults()
    synced = (await world.ask(f"payments/{payment['id']}/sync")).json()
    assert (synced["status"], synced["asked"], synced["reason"]) == ("succeeded", True, None)


async def test_a_sync_does_not_look_up_an_operation_whose_first_call_is_running(
    world: World,
) -> None:
    await world.stripe.set_faults(answer_ms=9_000)
    paying = asyncio.create_task(world.pay(await world.wallet()))
    await until(lambda: bool(world.mailbox.mail))
    [[payment_id]] = await world.rows("select id from payment")
    name = ids.render("payment", payment_id)
    asked = await world.ask(f"payments/{name}/sync")
    assert asked.json()["operations"][0]["outcome"] == "pending"
    assert (asked.json()["asked"], asked.json()["reason"]) == (False, "being_asked")
    await world.stripe.set_faults()  # now it answers
    assert (await paying)["status"] == "succeeded"


async def test_paypal_events_are_searched_after_its_keys_expire(world: World) -> None:
    """PayPal finds no order by our reference; its list of events does, delivered or not."""
    wallet, payment = await pay(world, "paypal", "broken")
    await world.posted_mail()  # which nobody delivers
    await world.rows("update operation set created_at = created_at - interval '1 minute'")
    assert await recover(world) == 1
    assert (await world.payment(payment["id"]))["status"] == "processing"
    await world.rows("update operation set created_at = created_at - interval '6 hours'")
    assert await recover(world) == 1
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert await world.balance(wallet) == 1050
    assert len(await world.paypal.charges()) == 1


async def test_an_order_without_a_paypal_event_stays_unknown(world: World) -> None:
    _, payment = await pay(world, "paypal", "cut_before")
    await world.rows("update operation set created_at = created_at - interval '7 hours'")
    assert await recover(world) == 1
    assert await operation(world) == ("unknown", 1)
    assert (await world.payment(payment["id"]))["status"] == "processing"
