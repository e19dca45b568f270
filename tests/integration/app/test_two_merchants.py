"""Two merchants in one engine: neither can see, name or repeat what is the other's.

Each route is asked with ids that exist, under the other merchant. The list of routes, and of the
places in them that take an id, is the API's own description.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import httpx
import pytest

from groat.kernel import ids
from groat.providers.domain.movements import MovementCategory
from tests.integration.app.routes import Operation, id_places, operations
from tests.support.feed import place_all
from tests.support.movements import moved, post
from tests.support.sealing import seal_all
from tests.support.world import OPERATOR, Payment, World, api_client

Things: TypeAlias = dict[str, str]
"""Ids of a merchant's things, by what they are in the tests."""

Named: TypeAlias = Mapping[str, str]
"""Ids by the names of the places that take them."""


@dataclass(frozen=True, slots=True)
class Case:
    """How an operation is asked: which thing goes where, and what else its body has.

    ``filters`` are the places that select: another merchant's id selects nothing.
    """

    things: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Named], object] | None = None
    filters: frozenset[str] = frozenset()


def _transfer(at: Named, reference: str = "t-1") -> dict[str, object]:
    sides = {name: at[name] for name in ("debit_account", "credit_account")}
    return {"reference": reference, "amount": 1, "currency": "EUR", **sides}


def _payment(at: Named) -> dict[str, object]:
    return {"amount": 500, "currency": "EUR", "payment_method": "pm_card_visa", **at}


def _rules(at: Named) -> object:
    targets = [{"provider_account": at["provider_account"], "weight": 1}]
    return {"rules": [{"name": "all", "targets": targets}]}


SINCE = datetime.now(UTC) - timedelta(hours=1)


def _backfill(_: Named) -> object:
    return {"since": SINCE.isoformat(), "dry_run": True}


def _only(place: str, thing: str) -> Case:
    return Case({place: thing})


def _filter(**things: str) -> Case:
    return Case(things, filters=frozenset(things))


_HOOK = "https://1.1.1.1/hook"  # nothing is sent there
DELIVERY = {"endpoint_id": "endpoint", "event_id": "notice"}
SIDES = {"debit_account": "account", "credit_account": "other"}
CASES: dict[str, Case] = {
    "POST /v1/accounts": Case(body=lambda _: {"code": "wallet:new", "currency": "EUR"}),
    "GET /v1/accounts": Case(),
    "GET /v1/accounts/{account_id}": _only("account_id", "account"),
    "PATCH /v1/accounts/{account_id}": Case(
        {"account_id": "account"}, lambda _: {"metadata": {"by": "me"}}
    ),
    "GET /v1/accounts/{account_id}/entries": _only("account_id", "account"),
    "GET /v1/accounts/{account_id}/balance": _only("account_id", "account"),
    "GET /v1/accounts/{account_id}/holds": _only("account_id", "account"),
    "GET /v1/ledger/trial-balance": Case(),
    "POST /v1/transfers": Case(SIDES, _transfer),
    "POST /v1/transfers/bulk": Case(
        SIDES, lambda at: {"transfers": [_transfer(at, "t-2")], "linked": True}
    ),
    "GET /v1/transfers/{transaction_id}": _only("transaction_id", "transfer"),
    "POST /v1/transfers/{transaction_id}/reverse": _only("transaction_id", "transfer"),
    "POST /v1/holds": Case(
        {"account": "account"},
        lambda at: {"reference": "h-2", "amount": 1, "currency": "EUR", **at},
    ),
    "GET /v1/holds/{hold_id}": _only("hold_id", "hold"),
    "POST /v1/holds/{hold_id}/capture": Case(
        {"hold_id": "hold", "credit_account": "other"},
        lambda at: {"reference": "c-1", "amount": 1, "credit_account": at["credit_account"]},
    ),
    "POST /v1/holds/{hold_id}/release": _only("hold_id", "hold"),
    "GET /v1/api-keys": Case(),
    "POST /v1/api-keys": Case(body=lambda _: {"scopes": ["read"]}),
    "POST /v1/api-keys/{key_id}/roll": _only("key_id", "key"),
    "POST /v1/api-keys/{key_id}/revoke": _only("key_id", "key"),
    "POST /v1/payments": Case(
        {"beneficiary": "account", "provider_account": "provider_account"}, _payment
    ),
    "GET /v1/payments": _filter(beneficiary="account", provider_account="provider_account"),
    "POST /v1/payments/{payment_id}/confirm": _only("payment_id", "draft"),
    "POST /v1/payments/{payment_id}/capture": _only("payment_id", "authorized"),
    "POST /v1/payments/{payment_id}/cancel": _only("payment_id", "reserved"),
    "POST /v1/payments/{payment_id}/sync": _only("payment_id", "payment"),
    "GET /v1/payments/{payment_id}": _only("payment_id", "payment"),
    "GET /v1/payments/{payment_id}/timeline": _only("payment_id", "payment"),
    "GET /v1/payments/{payment_id}/routing": _only("payment_id", "routed"),
    "POST /v1/refunds": Case({"payment": "payment"}, lambda at: {"amount": 1, **at}),
    "GET /v1/refunds": _filter(payment="payment"),
    "GET /v1/refunds/{refund_id}": _only("refund_id", "refund"),
    "GET /v1/disputes": _filter(payment="disputed", provider_account="provider_account"),
    "GET /v1/disputes/{dispute_id}": _only("dispute_id", "dispute"),
    "GET /v1/reconciliation/{provider_account_id}": _only(
        "provider_account_id", "provider_account"
    ),
    "GET /v1/suspense": _filter(provider_account="provider_account"),
    "POST /v1/suspense/attribute": Case(
        {"provider_account": "provider_account"},
        lambda at: {**at, "movement": "txn_attributed", "reference": "ch_1"},
    ),
    "POST /v1/suspense/dismiss": Case(
        {"provider_account": "provider_account", "account": "account"},
        lambda at: {**at, "movement": "txn_dismissed"},
    ),
    "POST /v1/suspense/restore": Case(
        {"provider_account": "provider_account"},
        lambda at: {**at, "movement": "txn_restored", "reason": "a mistake"},
    ),
    "GET /v1/routing-rules": Case(),
    "PUT /v1/routing-rules": Case({"provider_account": "provider_account"}, _rules),
    "GET /v1/provider-accounts": Case(),
    "GET /v1/provider-events": _filter(provider_account="provider_account"),
    "GET /v1/provider-events/{event_id}": _only("event_id", "event"),
    "POST /v1/provider-events/replay": Case(
        {"events": "event", "provider_account": "provider_account"},
        lambda at: {
            **{name: [one] if name == "events" else one for name, one in at.items()},
            "dry_run": True,
        },
        frozenset({"events", "provider_account"}),
    ),
    "POST /v1/provider-events/{event_id}/replay": _only("event_id", "event"),
    "POST /v1/provider-accounts/{account_id}/backfill": Case(
        {"account_id": "provider_account"}, _backfill
    ),
    "GET /v1/events": _filter(subject="payment"),
    "GET /v1/events/{event_id}": _only("event_id", "notice"),
    "POST /v1/webhook-endpoints": Case(body=lambda _: {"url": _HOOK}),
    "GET /v1/webhook-endpoints": Case(),
    "GET /v1/webhook-endpoints/{endpoint_id}": _only("endpoint_id", "endpoint"),
    "PATCH /v1/webhook-endpoints/{endpoint_id}": Case(
        {"endpoint_id": "endpoint"}, lambda _: {"types": ["*"]}
    ),
    "POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret": _only("endpoint_id", "endpoint"),
    "POST /v1/webhook-endpoints/{endpoint_id}/test": _only("endpoint_id", "endpoint"),
    "POST /v1/webhook-endpoints/{endpoint_id}/recover": Case(
        {"endpoint_id": "endpoint"}, lambda _: {"since": SINCE.isoformat()}
    ),
    "GET /v1/webhook-endpoints/{endpoint_id}/deliveries": _only("endpoint_id", "endpoint"),
    "GET /v1/webhook-endpoints/{endpoint_id}/deliveries/{event_id}": Case(DELIVERY),
    "POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{event_id}/resend": Case(DELIVERY),
    "GET /v1/audit-records": _filter(object="payment"),
    "GET /v1/audit-records/{record_id}/proof": _only("record_id", "record"),
    "GET /v1/audit-checkpoints": Case(),
}


async def ask(
    api: httpx.AsyncClient, operation: Operation, case: Case, at: Mapping[str, str]
) -> httpx.Response:
    """Ask with an id at each of the places that ``at`` names."""
    inside = set(re.findall(r"{(\w+)}", operation.path))
    path = operation.path.format(**at)
    outside = {name: one for name, one in at.items() if name not in inside}
    body = None if case.body is None else case.body(at if operation.path not in path else outside)
    query = outside if case.body is None else {}
    return await api.request(operation.method, path, json=body, params=query)


async def populate(world: World) -> Things:
    """Make one of everything for the world's merchant."""
    account = await world.wallet("wallet:a")
    other = await world.wallet("wallet:b")
    payment = await world.pay(account, amount=9000)
    rules = _rules({"provider_account": world.stripe.account})
    assert (await world.api.put("/v1/routing-rules", json=rules)).status_code == 200
    routed = {"payment_methods": {"stripe": "pm_card_visa"}}
    routed |= {"provider_account": None, "payment_method": None}  # type: ignore[dict-item]
    transfer = await world.ask(
        "transfers", _transfer({"debit_account": account, "credit_account": other}, "t-0")
    )
    hold = {"reference": "h-1", "account": account, "amount": 5, "currency": "EUR"}
    made: dict[str, Payment] = {
        "transfer": transfer.json(),
        "hold": (await world.ask("holds", hold)).json(),
        "payment": payment,
        "routed": await world.pay(account, **routed),
        "disputed": await world.pay(account),
        "draft": await world.pay(account, confirm=False),
        "authorized": await world.reserve(account),
        "reserved": await world.reserve(account),
        "refund": await world.refund(payment, amount=100),
        "key": (await world.ask("api-keys", {"scopes": ["read"]})).json(),
        "endpoint": (await world.ask("webhook-endpoints", {"url": _HOOK})).json(),
    }
    things = {name: one["id"] for name, one in made.items()}
    await suspend(world, "txn_attributed", "txn_dismissed", "txn_restored")
    return {
        "account": account,
        "other": other,
        "provider_account": world.stripe.account,
        **things,
    }


async def suspend(world: World, *keys: str) -> None:
    """Let movements stand in suspense, and attribute the last of them by hand."""
    await post(world, [moved(key, MovementCategory.OTHER, 30) for key in keys])
    body = {"provider_account": world.stripe.account, "movement": keys[-1], "reference": "ch_2"}
    assert (await world.ask("suspense/attribute", body)).status_code == 200


async def with_events(world: World, things: Things) -> Things:
    """Return the things with a dispute, both kinds of events, and a record that is sealed."""
    payment = await world.payment(things["disputed"])
    await world.stripe.pull("dispute", payment)
    await world.settle()
    listed = {}
    await seal_all(world)
    await place_all(world)
    lists = {
        "notice": "events",
        "dispute": "disputes",
        "event": "provider-events",
        "record": "audit-records",
    }
    for name, path in lists.items():
        listed[name] = (await world.api.get(f"/v1/{path}")).json()["data"][0]["id"]
    return {**things, **listed}


@pytest.fixture
async def stranger(world: World) -> AsyncIterator[World]:
    """Another merchant, with an account of its own at the same provider."""
    merchants = world.engine.merchants
    merchant_id = await merchants.create(OPERATOR, "Stranger")
    key, _ = await world.engine.api_keys.create(OPERATOR.acting_for(merchant_id))
    stripe = await merchants.provider_account(world.merchant_id, world.stripe.account_id)
    account_id = await merchants.put_provider_account(
        OPERATOR.acting_for(merchant_id), "stripe", "Main", stripe.credentials
    )
    account = ids.render("provider_account", account_id)
    async with api_client(world.engine, str(key)) as api:
        site = replace(world.stripe, account=account)
        yield replace(world, api=api, merchant_id=merchant_id, stripe=site)


def attempts(case: Case, mine: Things, theirs: Things) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each place with the ids to ask with: another merchant's there, and elsewhere mine."""
    for place in case.things:
        at = {name: mine.get(thing, theirs[thing]) for name, thing in case.things.items()}
        if place in case.filters:
            at = {}
        yield place, {**at, place: theirs[case.things[place]]}


def test_this_file_covers_every_route_and_every_id() -> None:
    described = {str(one): id_places(one) for one in operations()}
    described["GET /v1/audit-records"] |= {"object"}  # which takes an id of any kind
    described["GET /v1/events"] |= {"subject"}
    assert {name: set(case.things) for name, case in CASES.items()} == described


async def test_an_id_of_another_merchant_is_never_found(world: World, stranger: World) -> None:
    theirs, mine = await populate(world), await populate(stranger)
    theirs = await with_events(world, theirs)
    before = await world.counts()
    balance = await world.balance(theirs["account"])
    for operation in operations():
        case = CASES[str(operation)]
        for place, at in attempts(case, mine, theirs):
            answer = await ask(stranger.api, operation, case, at)
            if place in case.filters:
                assert answer.status_code == 200, (operation, place, answer.text)
                assert not any(isinstance(one, list) and one for one in answer.json().values())
            else:
                assert is_not_found(answer), (operation, place, answer.text)
            assert_hidden(answer, theirs, set(at.values()))
    assert await world.counts() == before
    assert await world.balance(theirs["account"]) == balance
    await control(world, theirs)


async def test_an_unfiltered_list_holds_no_row_of_another_merchant(
    world: World, stranger: World
) -> None:
    theirs = await with_events(world, await populate(world))
    mine = await populate(stranger)
    for operation in operations():
        if operation.method == "GET" and "{" not in operation.path:
            answer = await stranger.api.get(operation.path)
            assert answer.status_code == 200
            assert_hidden(answer, theirs, set())
    assert mine["payment"] in (await stranger.api.get("/v1/payments")).text


def is_not_found(answer: httpx.Response) -> bool:
    """Tell whether there is no such thing, for the asker or for every item of a bulk."""
    document = answer.json()
    if answer.status_code == 200:
        return {one["status"] for one in document.get("data", [])} == {"refused"}
    code: str = document["code"]
    return answer.status_code == 404 and code.endswith("_not_found")


def assert_hidden(answer: httpx.Response, theirs: Things, named: set[str]) -> None:
    seen = [one for one in theirs.values() if one not in named and one in answer.text]
    assert seen == []


async def control(world: World, theirs: Things) -> None:
    """See that the merchant whose things they are is not told that there is nothing."""
    for operation in operations():
        case = CASES[str(operation)]
        at = {name: theirs[thing] for name, thing in case.things.items()}
        answer = await ask(world.api, operation, case, at)
        assert answer.status_code in {200, 201}, (operation, answer.text)
        if case.filters:
            assert any(isinstance(one, list) and one for one in answer.json().values()), operation


KEY = "order-1"


def keyed() -> list[Operation]:
    return [one for one in operations() if "Idempotency-Key" in one.headers]


async def test_two_merchants_can_use_the_same_idempotency_key(
    world: World, stranger: World
) -> None:
    """On every route that takes one, at the same time, and each again."""
    theirs, mine = await populate(world), await populate(stranger)
    assert {str(one) for one in keyed()} == {
        str(one) for one in operations() if one.method == "POST"
    }
    for operation in keyed():
        case = CASES[str(operation)]
        if not mine.keys() >= set(case.things.values()):
            continue  # the stranger's provider delivers to the other merchant
        answers = []
        for _ in range(2):
            both = [
                ask(keeping(merchant.api), operation, case, named(case, things))
                for merchant, things in ((world, theirs), (stranger, mine))
            ]
            answers.append(await asyncio.gather(*both))
        (first, second), (again, other) = answers
        assert {first.status_code, second.status_code} <= {200, 201}, first.text + second.text
        if "id" in first.json():
            assert first.json()["id"] != second.json()["id"]
        assert [again.content, other.content] == [first.content, second.content]
        assert {one.headers["idempotent-replayed"] for one in (again, other)} == {"true"}


async def test_every_post_has_one_effect_and_one_answer_for_a_key(world: World) -> None:
    things = await with_events(world, await populate(world))
    for operation in keyed():
        case, before = CASES[str(operation)], await world.counts()
        first = await ask(keeping(world.api), operation, case, named(case, things))
        assert first.status_code in {200, 201}, (operation, first.text)
        assert "idempotent-replayed" not in first.headers
        after = await world.counts()
        for _ in range(2):
            again = await ask(keeping(world.api), operation, case, named(case, things))
            assert again.headers["idempotent-replayed"] == "true", operation
            assert (again.status_code, again.content) == (first.status_code, first.content)
        assert await world.counts() == after
        assert after["idempotency_key"] == before["idempotency_key"] + 1
        foreign = replace(case, body=lambda _: {"something": "else"})
        other = await ask(keeping(world.api), operation, foreign, named(case, things))
        assert other.status_code == 422, operation
        del world.api.headers["idempotency-key"]


def named(case: Case, things: Things) -> dict[str, str]:
    return {name: things[thing] for name, thing in case.things.items()}


def keeping(api: httpx.AsyncClient) -> httpx.AsyncClient:
    api.headers["idempotency-key"] = KEY
    return api


async def test_two_merchants_can_use_the_same_reference(world: World, stranger: World) -> None:
    theirs, mine = await populate(world), await populate(stranger)
    for name in ("POST /v1/transfers", "POST /v1/holds", "POST /v1/holds/{hold_id}/capture"):
        [operation] = [one for one in operations() if str(one) == name]
        case = CASES[name]
        for merchant, things in ((world, theirs), (stranger, mine)):
            answers = [
                await ask(merchant.api, operation, case, named(case, things)) for _ in range(2)
            ]
            assert answers[0].status_code in {200, 201}, answers[0].text
            assert answers[0].json() == answers[1].json()
