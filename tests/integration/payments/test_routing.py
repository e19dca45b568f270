"""Rules send payments to providers, and on to others where they allow it; never on an unknown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from groat.kernel import ids
from tests.support.routing import TOKENS, put_rules, routed, rule
from tests.support.soundness import assert_sound
from tests.support.world import OPERATOR, Payment, World, api_client, engine_and_api


async def explained(world: World, payment: Payment) -> dict[str, Any]:
    document: dict[str, Any] = (await world.api.get(f"/v1/payments/{payment['id']}/routing")).json()
    return document


async def test_the_first_matching_rule_routes_a_payment_with_its_reason(world: World) -> None:
    dollars = rule(world, "dollars", "stripe", when={"currencies": ["USD"]})
    rules = await put_rules(world, dollars, rule(world, "rest", "paypal", "stripe"))
    assert rules["version"] == 1
    assert (await world.api.get("/v1/routing-rules")).json() == rules
    payment = await routed(world, await world.wallet())
    assert (payment["status"], payment["provider_account"]) == (
        "succeeded",
        world.paypal.account,
    )
    decision = await explained(world, payment)
    assert (decision["rule"], decision["rules_version"]) == ("rest", 1)
    assert decision["skipped"] == [{"rule": "dollars", "because": "currency is EUR"}]
    assert [one["verdict"] for one in decision["considered"]] == ["taken", "taken"]
    assert "card:vault_visa" not in json.dumps(decision)
    await world.settle()
    await assert_sound(world)


@pytest.mark.parametrize(
    ("token", "code"),
    [("pm_card_chargeDeclined", "do_not_honor"), (None, "provider_unreachable")],
)
async def test_a_retryable_failure_falls_back_to_the_next_provider(
    world: World, token: str | None, code: str
) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    wallet = await world.wallet()
    if token is None:
        await unreachable(world)
    tokens = {**TOKENS, "stripe": token or TOKENS["stripe"]}
    payment = await routed(world, wallet, payment_methods=tokens)
    assert (payment["status"], payment["provider_account"]) == (
        "succeeded",
        world.paypal.account,
    )
    first, second = payment["operations"]
    assert (first["outcome"] in {"declined", "failed"}, first["failure_code"]) == (True, code)
    assert (second["outcome"], second["failure_code"]) == ("succeeded", None)
    await world.settle()
    assert await world.balance(wallet) == 1050
    assert await world.stripe.charges() == []
    assert len(await world.paypal.charges()) == 1
    story = [
        one["action"]
        for one in (await world.api.get(f"/v1/payments/{payment['id']}/timeline")).json()["data"]
    ]
    assert "payment.fell_back" in story
    assert (await world.refund(payment, amount=50))["status"] == "succeeded"
    await assert_sound(world)


async def unreachable(world: World) -> None:
    """Let Stripe's account be one at an address where nobody listens."""
    stripe = await world.engine.merchants.provider_account(
        world.merchant_id, world.stripe.account_id
    )
    credentials = {**stripe.credentials, "api_base": "http://127.0.0.1:9"}
    await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id), stripe.provider, stripe.name, credentials
    )


async def test_a_hard_decline_does_not_fall_back(world: World) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    tokens = {**TOKENS, "stripe": "pm_card_chargeDeclinedInsufficientFunds"}
    payment = await routed(world, await world.wallet(), payment_methods=tokens)
    assert payment["status"] == "requires_payment_method"
    assert payment["failure_code"] == "insufficient_funds"
    await world.settle()
    assert await world.paypal.charges() == []
    await assert_sound(world)


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "html"])
async def test_an_unknown_outcome_does_not_fall_back(world: World, fault: str) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    wallet = await world.wallet()
    await world.stripe.set_faults(answer=fault)
    payment = await routed(world, wallet)
    assert payment["status"] == "processing"
    assert [one["outcome"] for one in payment["operations"]] == ["unknown"]
    assert await world.paypal.charges() == []
    await world.stripe.set_faults()
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert await world.balance(wallet) == 1050
    assert (len(await world.stripe.charges()), await world.paypal.charges()) == (1, [])
    await assert_sound(world)


async def test_a_worker_falls_back_after_a_decline_reported_only_by_webhook(
    world: World,
) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    wallet = await world.wallet()
    await world.stripe.set_faults(answer="cut_after")
    tokens = {**TOKENS, "stripe": "pm_card_chargeDeclined"}
    payment = await routed(world, wallet, payment_methods=tokens)
    await world.stripe.set_faults()
    await world.deliver_all(await world.posted_mail())
    await world.drain()
    [_, begun] = (await world.payment(payment["id"]))["operations"]
    assert begun["outcome"] == "pending"
    assert await world.engine.recovery.recover_batch() == 1
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert len(await world.paypal.charges()) == 1
    await world.settle()
    assert await world.balance(wallet) == 1050
    await assert_sound(world)


@pytest.fixture
async def wary(world: World) -> AsyncIterator[World]:
    """A world whose circuit breakers open after five failures; they are closed at the end."""
    settings = world.settings.model_copy(update={"breaker_failures": 5})
    assert settings.redis_url is not None
    async with engine_and_api(settings, world.api_key) as (engine, api):
        yield replace(world, engine=engine, api=api)
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        await redis.flushdb()


async def test_a_provider_that_keeps_failing_is_avoided(wary: World) -> None:
    await put_rules(wary, rule(wary, "all", "stripe", "paypal"))
    wallet = await wary.wallet()
    await unreachable(wary)
    payments = [await routed(wary, wallet) for _ in range(7)]
    assert {one["status"] for one in payments} == {"succeeded"}
    tried = [len(one["operations"]) for one in payments]
    assert (tried[0], tried[-1]) == (2, 1)
    decision = await explained(wary, payments[-1])
    assert [one["verdict"] for one in decision["considered"]] == ["last_resort", "taken"]
    assert len(await wary.paypal.charges()) == 7
    direct = await wary.pay(wallet)
    assert direct["status"] == "requires_payment_method"
    assert direct["failure_code"] == "provider_unreachable"
    await wary.settle()
    await assert_sound(wary)


async def test_without_a_matching_rule_no_payment_is_created(world: World) -> None:
    wallet = await world.wallet()
    before = await world.counts()
    order = world.order(wallet, payment_methods=TOKENS)
    del order["provider_account"], order["payment_method"]
    answer = await world.api.post("/v1/payments", json=order)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_route")
    assert await world.counts() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_methods": TOKENS},
        {"payment_method": None},
        {"provider_account": None},
        {"payment_methods": {}, "payment_method": None, "provider_account": None},
    ],
)
async def test_a_payment_names_one_account_or_its_payment_methods(
    world: World, changes: dict[str, object]
) -> None:
    answer = await world.api.post("/v1/payments", json=world.order(await world.wallet(), **changes))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_payment_method")


@pytest.mark.parametrize(
    ("rules", "status", "code"),
    [
        ({"rules": [{"name": "x", "targets": []}]}, 422, "invalid_request"),
        ({"rules": [{"targets": [{"provider_account": "{stripe}"}]}]}, 422, "invalid_request"),
        (
            {"rules": [{"name": "x", "targets": [{"provider_account": "{stripe}"}] * 2}]},
            422,
            "invalid_routing_rule",
        ),
        (
            {"rules": [{"name": "x", "targets": [{"provider_account": "{nobody}"}]}]},
            404,
            "provider_account_not_found",
        ),
        (
            {
                "rules": [
                    {
                        "name": "x",
                        "targets": [{"provider_account": "{stripe}"}],
                        "fallback_on": ["bad_luck"],
                    }
                ]
            },
            422,
            "invalid_request",
        ),
    ],
)
async def test_invalid_rules_are_refused_and_the_old_rules_stay(
    world: World, rules: dict[str, object], status: int, code: str
) -> None:
    old = await put_rules(world, rule(world, "all", "stripe"))
    nobody = ids.render("provider_account", ids.uuid7())
    text = json.dumps(rules).replace("{stripe}", world.stripe.account).replace("{nobody}", nobody)
    sent = {"content-type": "application/json"}
    answer = await world.api.put("/v1/routing-rules", content=text, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await world.api.get("/v1/routing-rules")).json() == old


async def test_provider_accounts_are_listed_without_their_credentials(world: World) -> None:
    listed = (await world.api.get("/v1/provider-accounts")).json()["data"]
    assert {one["id"] for one in listed} == {world.stripe.account, world.paypal.account}
    assert {"object", "id", "provider", "name", "created_at"} == set(listed[0])


async def test_rules_and_decisions_belong_to_their_merchant(world: World) -> None:
    await put_rules(world, rule(world, "all", "stripe"))
    payment = await routed(world, await world.wallet())
    merchant_id = await world.engine.merchants.create(OPERATOR, "Stranger")
    created = await world.engine.api_keys.create(OPERATOR.acting_for(merchant_id))
    key = str(created.secret)
    async with api_client(world.engine, key) as stranger:
        assert (await stranger.get("/v1/routing-rules")).json()["rules"] == []
        answer = await stranger.get(f"/v1/payments/{payment['id']}/routing")
        assert answer.status_code == 404
        rules = {"rules": [rule(world, "theirs", "stripe")]}
        assert (await stranger.put("/v1/routing-rules", json=rules)).status_code == 404


async def test_the_command_line_explains_and_simulates_rules(world: World, tmp_path: Path) -> None:
    await put_rules(world, rule(world, "all", "stripe", "paypal"))
    payment = await routed(world, await world.wallet())
    direct = await world.pay(payment["beneficiary"])
    merchant = ids.render_merchant(world.merchant_id)
    told = json.loads((await world.groat("routing", "explain", merchant, payment["id"])).stdout)
    assert told["decision"]["rule"] == "all"
    assert [one["outcome"] for one in told["operations"]] == ["succeeded"]
    told = json.loads((await world.groat("routing", "explain", merchant, direct["id"])).stdout)
    assert told["decision"] is None
    other = tmp_path / "rules.json"
    other.write_text(json.dumps({"rules": [rule(world, "paypal", "paypal")]}))
    shown = await world.groat("routing", "simulate", merchant, str(other), "--json")
    assert json.loads(shown.stdout) == {
        "payments": 2,
        "moved": 2,
        "first": {world.paypal.account: 2},
    }
    assert (
        "2 of them elsewhere"
        in (await world.groat("routing", "simulate", merchant, str(other))).stdout
    )
    other.write_text('{"rules": [{"name": 5}]}')
    refused = await world.groat("routing", "simulate", merchant, str(other))
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error (invalid_routing_rules): rules.0.name")


async def test_a_repeated_request_returns_the_same_payment_after_the_rules_changed(
    world: World,
) -> None:
    await put_rules(world, rule(world, "all", "stripe"))
    order = world.order(await world.wallet(), payment_methods=TOKENS)
    del order["provider_account"], order["payment_method"]
    first = await world.ask("payments", order, key="once")
    await put_rules(world)
    again = await world.ask("payments", order, key="once")
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = await world.ask("payments", {**order, "amount": 1}, key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(("age", "goes_on"), [("0 seconds", True), ("4 days", False)])
@pytest.mark.parametrize("told_by", ["webhook", "lookup"])
async def test_a_bank_debit_that_fails_days_later_does_not_fall_back(
    world: World,
    age: str,
    told_by: str,
    goes_on: bool,  # noqa: FBT001 - a case
) -> None:
    debited = {**rule(world, "all", "stripe", "paypal"), "fallback_on": ["insufficient_funds"]}
    await put_rules(world, debited)
    tokens = {**TOKENS, "stripe": "pm_usBankAccount_success"}
    payment = await routed(world, await world.wallet(), payment_methods=tokens)
    assert payment["status"] == "processing"
    await world.rows("update payment set created_at = created_at - %s::interval", age)
    await world.stripe.pull("debit_fails", payment)
    if told_by == "webhook":
        await world.settle()
    else:
        for _ in range(3):
            await world.make_due()
            await world.engine.recovery.recover_batch()
    found = await world.payment(payment["id"])
    assert found["status"] == ("succeeded" if goes_on else "requires_payment_method")
    assert len(await world.paypal.charges()) == goes_on
    timeline = (await world.api.get(f"/v1/payments/{payment['id']}/timeline")).json()["data"]
    late = [one for one in timeline if one["data"].get("fallback") == "too_late"]
    assert [one["action"] for one in late] == ([] if goes_on else ["payment.declined"])


async def test_the_rule_sets_the_shown_time_limit_of_a_fallback(world: World) -> None:
    kept = {**rule(world, "all", "stripe", "paypal"), "fallback_within_seconds": 60}
    await put_rules(world, kept)
    shown = (await world.api.get("/v1/routing-rules")).json()["rules"]
    assert [one["fallback_within_seconds"] for one in shown] == [60]
    payment = await routed(world, await world.wallet())
    decision = (await world.api.get(f"/v1/payments/{payment['id']}/routing")).json()
    assert decision["fallback_within_seconds"] == 60
    await put_rules(world, rule(world, "all", "stripe"))
    shown = (await world.api.get("/v1/routing-rules")).json()["rules"]
    assert [one["fallback_within_seconds"] for one in shown] == [300]


@pytest.mark.parametrize("seconds", [0, -1, 3601, "60 minutes"])
async def test_a_fallback_time_limit_out_of_bounds_is_refused(
    world: World, seconds: object
) -> None:
    wrong = {**rule(world, "all", "stripe"), "fallback_within_seconds": seconds}
    answer = await world.api.put("/v1/routing-rules", json={"rules": [wrong]})
    assert answer.status_code == 422, answer.text
