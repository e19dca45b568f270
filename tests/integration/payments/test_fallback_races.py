"""A payment goes on to its next provider while others are at its operations: charged once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from psycopg.types.json import Jsonb

from groat.kernel import ids
from groat.kernel.errors import Conflict
from groat.kernel.ids import OperationId
from groat.payments.domain.resolution import Resolution
from groat.payments.infrastructure import payments as store
from groat.payments.service import facts
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.operations import PayPalOperations
from groat.providers.port import Reply, Unknown
from groat.providers.registry import ProviderRegistry
from tests.support.routing import TOKENS, put_rules, routed, rule
from tests.support.soundness import assert_sound
from tests.support.world import OPERATOR, Payment, World

SOFT = {**TOKENS, "stripe": "pm_card_chargeDeclined"}


async def declined_in_silence(world: World) -> Payment:
    """Return a payment whose first provider has declined, as only a webhook in the inbox says."""
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    await world.stripe.set_faults(answer="cut_after")
    payment = await routed(world, await world.wallet(), payment_methods=SOFT)
    await world.stripe.set_faults()
    await world.deliver_all(await world.posted_mail())
    return payment


def once(act: Callable[[], Any]) -> Callable[[], Any]:
    """Return ``act`` for the first call, and nothing for those after it."""
    done = False

    async def first() -> None:
        nonlocal done
        if not done:
            done = True
            await act()

    return first


async def assert_taken_by_the_second(world: World, payment: Payment) -> None:
    await world.settle()
    found = await world.payment(payment["id"])
    assert (found["status"], found["provider_account"]) == ("succeeded", world.paypal.account)
    assert [one["outcome"] for one in found["operations"]] == ["declined", "succeeded"]
    assert (len(await world.stripe.charges()), len(await world.paypal.charges())) == (0, 1)
    assert await world.balance(payment["beneficiary"]) == 1050
    await assert_sound(world)


async def test_no_worker_takes_over_a_payment_whose_fallback_is_being_decided(world: World) -> None:
    await put_rules(world, rule(world, "all", "paypal", "stripe"))
    claimed: list[int] = []
    lock = store.lock_standing

    async def not_sent(_adapter: PayPalOperations, _request: object) -> Reply:
        await world.make_due()
        return NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")

    async def lock_and_look(*arguments: Any) -> Any:
        locked = await lock(*arguments)
        claimed.append(await world.engine.recovery.recover_batch())
        return locked

    with (
        patch.object(PayPalOperations, "authorize", not_sent),
        patch.object(facts, "lock_standing", lock_and_look),
    ):
        payment = await routed(world, await world.wallet())
    assert claimed[0] == 0
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert len(await world.stripe.charges()) + len(await world.paypal.charges()) == 1
    await assert_sound(world)


async def test_the_answer_of_a_late_worker_does_not_count_for_the_next_provider(
    world: World,
) -> None:
    payment = await declined_in_silence(world)
    meanwhile = once(world.drain)
    get = ProviderRegistry.get

    async def get_later(registry: ProviderRegistry, *arguments: Any) -> Any:
        await meanwhile()
        return await get(registry, *arguments)

    await world.rows("update operation set due_at = now() - interval '1 s'")
    with patch.object(ProviderRegistry, "get", get_later):
        await world.engine.recovery.recover_batch()
    await assert_taken_by_the_second(world, payment)


async def test_the_resolution_of_an_operator_does_not_count_for_the_next_provider(
    world: World,
) -> None:
    payment = await declined_in_silence(world)
    meanwhile = once(world.drain)
    lock = store.lock_payments

    async def lock_later(*arguments: Any) -> Any:
        await meanwhile()
        return await lock(*arguments)

    operation_id = OperationId(ids.parse("operation", payment["operations"][0]["id"]))
    failed = Resolution(succeeded=False, reference=None, reason="the dashboard says declined")
    with (
        patch.object(store, "lock_payments", lock_later),
        pytest.raises(Conflict, match="has ended"),
    ):
        await world.engine.resolution.resolve(
            OPERATOR.acting_for(world.merchant_id), operation_id, failed
        )
    await assert_taken_by_the_second(world, payment)


async def test_a_fallback_begun_by_a_webhook_ends_if_its_provider_is_unreachable(
    world: World,
) -> None:
    payment = await declined_in_silence(world)
    await world.drain()

    async def gone(_adapter: PayPalOperations, _request: object) -> Reply:
        return NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")

    with patch.object(PayPalOperations, "authorize", gone):
        assert await world.engine.recovery.recover_batch() == 1
    found = await world.payment(payment["id"])
    assert found["status"] == "requires_payment_method"
    assert found["failure_code"] == "provider_unreachable"
    await assert_sound(world)


async def test_a_fallback_begun_by_a_webhook_stays_unknown_after_a_lost_answer(
    world: World,
) -> None:
    payment = await declined_in_silence(world)
    await world.drain()

    async def lost(_adapter: PayPalOperations, _request: object) -> Reply:
        return Unknown("timeout")

    async def gone(_adapter: PayPalOperations, _request: object) -> Reply:
        return NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")

    for answer in (lost, gone):
        with patch.object(PayPalOperations, "authorize", answer):
            await world.make_due()
            await world.engine.recovery.recover_batch()
    assert (await world.payment(payment["id"]))["status"] == "processing"
    await assert_taken_by_the_second(world, payment)


async def test_operations_begun_and_ended_in_one_batch_are_settled(world: World) -> None:
    """Two accounts at one account of the provider's are both told of what becomes of either."""
    merchants = world.engine.merchants
    stripe = await merchants.provider_account(world.merchant_id, world.stripe.account_id)
    second = await merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id), "stripe", "again", stripe.credentials
    )
    again = ids.render("provider_account", second)
    targets = [world.stripe.account, again, world.paypal.account]
    await put_rules(
        world, {"name": "all", "targets": [{"provider_account": one} for one in targets]}
    )
    await world.stripe.set_faults(answer="cut_after")
    payment = await routed(world, await world.wallet(), payment_methods=SOFT)
    await world.stripe.set_faults()
    mail = await world.posted_mail()
    [first] = payment["operations"]
    begun = ids.following(b"groat fallback", ids.parse("operation", first["id"]))
    named = ids.render("operation", begun)
    told = [
        await world.signed(json.loads(one.body.replace(first["id"].encode(), named.encode())))
        for one in mail
    ]
    twice = [replace(one, path=one.path.replace(world.stripe.account, again)) for one in told]
    await world.deliver_all(mail)
    await world.deliver_all(twice)  # after those that begin what these end
    await world.drain()
    found = (await world.payment(payment["id"]))["operations"]
    assert [one["outcome"] for one in found] == ["declined", "declined", "pending"]
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    await assert_sound(world)


async def test_unknown_failure_codes_of_a_later_version_are_ignored(
    world: World,
) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    payment = await routed(world, await world.wallet(), capture_method="manual")
    later = Jsonb("soft_decline_of_a_later_version")
    await world.rows("update payment set route = jsonb_set(route, '{fallback_on,99}', %s)", later)
    await world.rows(
        "update routing_rules set rules = jsonb_set(rules, '{rules,0,fallback_on,99}', %s)", later
    )
    assert (await world.command(payment, "capture"))["status"] == "succeeded"
    assert (await world.api.get("/v1/payments")).status_code == 200
    assert (await world.api.get("/v1/routing-rules")).status_code == 200
    assert (await routed(world, payment["beneficiary"]))["status"] == "succeeded"


async def test_frequent_syncs_do_not_postpone_the_next_lookup(world: World) -> None:
    await world.paypal.set_faults(answer="cut_before")
    payment = await world.pay(
        await world.wallet(),
        provider_account=world.paypal.account,
        payment_method="card:vault_visa",
    )
    for _ in range(12):
        assert (await world.ask(f"payments/{payment['id']}/sync")).status_code == 200
    [[seconds]] = await world.rows("select extract(epoch from due_at - now()) from operation")
    assert seconds < 15
    await world.paypal.set_faults()
    assert (await world.ask(f"payments/{payment['id']}/sync")).json()["status"] == "succeeded"


async def test_rules_that_cannot_be_stored_are_refused(world: World) -> None:
    for bad in ("a\0b", "\ud800"):
        answer = await world.api.put(
            "/v1/routing-rules",
            content=json.dumps({"rules": [rule(world, bad, "stripe")]}),
            headers={"content-type": "application/json"},
        )
        assert 400 <= answer.status_code < 500, answer.text


async def test_a_payment_confirmed_much_later_still_falls_back(world: World) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    payment = await routed(world, await world.wallet(), confirm=False, payment_methods=SOFT)
    await put_rules(world)
    done = await world.command(payment, "confirm")
    assert (done["status"], done["provider_account"]) == ("succeeded", world.paypal.account)
    await world.settle()
    await assert_sound(world)
