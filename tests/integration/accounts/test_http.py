"""Accounts, transfers and holds as an API client meets them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from groat.app.verify import verify
from tests.support.bank import Bank
from tests.support.pages import pages
from tests.support.world import World


async def test_an_account_is_a_wallet_by_default(world: World) -> None:
    answer = await world.api.post("/v1/accounts", json={"code": "alice", "currency": "EUR"})
    assert answer.status_code == 201
    account = answer.json()
    assert {key: account[key] for key in ("normal_side", "floor", "status", "metadata")} == {
        "normal_side": "credit",
        "floor": 0,
        "status": "open",
        "metadata": {},
    }
    assert (await world.api.get(f"/v1/accounts/{account['id']}")).json() == account
    [found] = await pages(world.api, "/v1/accounts", code="alice")
    assert found == account


async def test_an_overdraft_goes_down_to_its_floor(bank: Bank) -> None:
    body = {"code": "overdrawn", "currency": "EUR", "floor": -100, "metadata": {"plan": "gold"}}
    account = (await bank.world.api.post("/v1/accounts", json=body)).json()
    assert account["metadata"] == {"plan": "gold"}
    paid = await bank.transfer(debit_account=account["id"], amount=100)
    assert paid.status_code == 201
    refused = await bank.transfer(debit_account=account["id"], amount=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    assert "-100 available and a floor of -100; 1 is too much" in refused.json()["detail"]
    assert await bank.standing(account["id"]) == (-100, 0, -100)


async def test_a_repeated_transfer_moves_money_once(bank: Bank) -> None:
    await bank.fill(bank.alice, 1000)
    body = bank.order(amount=300, reference="once")
    first = await bank.world.api.post("/v1/transfers", json=body)
    again = await bank.world.api.post("/v1/transfers", json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert await bank.standing(bank.alice) == (700, 0, 700)
    assert await bank.standing(bank.bob) == (300, 0, 300)
    found = await bank.world.api.get(f"/v1/transfers/{first.json()['id']}")
    assert found.json() == first.json()


async def test_a_reference_with_other_content_is_a_conflict(bank: Bank) -> None:
    await bank.fill(bank.alice, 1000)
    moment = datetime.now(UTC).isoformat()
    assert (await bank.transfer(reference="once")).status_code == 201
    for change in (
        {"amount": 101},
        {"credit_account": bank.source},
        {"effective_at": moment},
    ):
        refused = await bank.transfer(reference="once", **change)
        assert (refused.status_code, refused.json()["code"]) == (409, "reference_reused")
    assert await bank.standing(bank.bob) == (100, 0, 100)


async def test_a_refused_transfer_can_be_repeated(bank: Bank) -> None:
    body = bank.order(reference="later")
    refused = await bank.world.api.post("/v1/transfers", json=body)
    assert refused.json()["code"] == "insufficient_funds"
    await bank.fill(bank.alice, 100)
    assert (await bank.world.api.post("/v1/transfers", json=body)).status_code == 201


async def test_a_reversal_takes_effect_once(bank: Bank) -> None:
    await bank.fill(bank.alice, 100)
    transfer = (await bank.transfer()).json()
    path = f"/v1/transfers/{transfer['id']}/reverse"
    reversal = (await bank.world.api.post(path)).json()
    assert reversal["kind"] == "reversal"
    assert reversal["reference"] == f"groat:reversal:{transfer['id']}"
    assert (reversal["debit_account"], reversal["credit_account"]) == (bank.bob, bank.alice)
    assert (await bank.world.api.post(path)).json() == reversal
    assert await bank.standing(bank.alice) == (100, 0, 100)
    refused = await bank.world.api.post(f"/v1/transfers/{reversal['id']}/reverse")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_reversible")


async def test_a_bulk_answers_for_each_item(bank: Bank) -> None:
    await bank.fill(bank.alice, 150)
    orders = [bank.order(reference=name) for name in ("first", "second", "first")]
    answer = await bank.world.api.post("/v1/transfers/bulk", json={"transfers": orders})
    first, second, again = answer.json()["data"]
    assert (first["status"], second["status"]) == ("posted", "refused")
    assert second["error"]["code"] == "insufficient_funds"
    assert again == first
    assert await bank.standing(bank.bob) == (100, 0, 100)


async def test_a_linked_bulk_is_all_or_nothing(bank: Bank) -> None:
    await bank.fill(bank.alice, 150)
    orders = [bank.order(), bank.order()]
    path, body = "/v1/transfers/bulk", {"transfers": orders, "linked": True}
    refused = (await bank.world.api.post(path, json=body)).json()["data"]
    assert [item["error"]["code"] for item in refused] == ["linked_refused", "insufficient_funds"]
    assert await bank.standing(bank.alice) == (150, 0, 150)
    await bank.fill(bank.alice, 50)
    posted = (await bank.world.api.post(path, json=body)).json()["data"]
    assert [item["status"] for item in posted] == ["posted", "posted"]
    assert await bank.standing(bank.alice) == (0, 0, 0)


async def test_five_hundred_transfers_come_in_one_request(bank: Bank) -> None:
    orders = [bank.order(debit_account=bank.source, amount=1) for _ in range(500)]
    answer = await bank.world.api.post("/v1/transfers/bulk", json={"transfers": orders})
    assert {item["status"] for item in answer.json()["data"]} == {"posted"}
    assert await bank.standing(bank.bob) == (500, 0, 500)
    lines = await pages(bank.world.api, f"/v1/accounts/{bank.bob}/entries", limit=100)
    assert [line["balance_after"] for line in lines] == list(range(500, 0, -1))


async def test_a_hold_reserves_is_captured_in_part_and_released(bank: Bank) -> None:
    await bank.fill(bank.alice, 100)
    hold = (await bank.hold(reference="trip")).json()
    assert (await bank.hold(reference="trip")).json() == hold
    assert await bank.standing(bank.alice) == (100, 60, 40)
    refused = await bank.transfer(amount=41)
    assert refused.json()["code"] == "insufficient_funds"

    capture = {"reference": "trip-1", "credit_account": bank.bob, "amount": 25}
    path = f"/v1/holds/{hold['id']}"
    captured = (await bank.world.api.post(f"{path}/capture", json=capture)).json()
    again = (await bank.world.api.post(f"{path}/capture", json=capture)).json()
    assert captured == again
    assert (captured["hold"]["remaining"], captured["hold"]["state"]) == (35, "open")
    assert await bank.standing(bank.alice) == (75, 35, 40)

    released = (await bank.world.api.post(f"{path}/release")).json()
    assert (released["state"], released["captured"], released["remaining"]) == ("released", 25, 0)
    assert (await bank.world.api.post(f"{path}/release")).json() == released
    assert await bank.standing(bank.alice) == (75, 0, 75)
    listed = await pages(bank.world.api, f"/v1/accounts/{bank.alice}/holds")
    assert listed == [released] == [(await bank.world.api.get(path)).json()]


async def test_a_whole_hold_is_captured_without_an_amount(bank: Bank) -> None:
    await bank.fill(bank.alice, 60)
    hold = (await bank.hold()).json()
    path = f"/v1/holds/{hold['id']}/capture"
    body = {"reference": "all", "credit_account": bank.bob}
    captured = (await bank.world.api.post(path, json=body)).json()
    assert captured["hold"]["state"] == "captured"
    transfer = (await bank.world.api.get(f"/v1/transfers/{captured['transaction']}")).json()
    assert (transfer["kind"], transfer["amount"]) == ("hold.captured", 60)
    late = await bank.world.api.post(f"/v1/holds/{hold['id']}/release")
    assert (late.status_code, late.json()["code"]) == (409, "hold_not_open")


async def test_a_frozen_account_moves_no_money_until_it_is_open_again(bank: Bank) -> None:
    await bank.fill(bank.alice, 100)
    await bank.fill(bank.bob, 100)
    hold = (await bank.hold(amount=10)).json()
    path = f"/v1/accounts/{bank.alice}"
    frozen = await bank.world.api.patch(path, json={"status": "frozen"})
    assert frozen.json()["status"] == "frozen"
    for attempt in (
        bank.transfer(),
        bank.transfer(debit_account=bank.bob, credit_account=bank.alice),
        bank.hold(),
    ):
        refused = await attempt
        assert (refused.status_code, refused.json()["code"]) == (409, "account_frozen")
    released = await bank.world.api.post(f"/v1/holds/{hold['id']}/release")
    assert released.json()["state"] == "released"
    await bank.world.api.patch(path, json={"status": "open"})
    assert (await bank.transfer()).status_code == 201


async def test_only_an_empty_account_can_be_closed_and_stays_closed(bank: Bank) -> None:
    await bank.fill(bank.alice, 100)
    path = f"/v1/accounts/{bank.alice}"
    full = await bank.world.api.patch(path, json={"status": "closed"})
    assert (full.status_code, full.json()["code"]) == (409, "account_not_empty")
    await bank.transfer()
    closed = await bank.world.api.patch(path, json={"status": "closed", "metadata": {"by": "x"}})
    assert (closed.json()["status"], closed.json()["metadata"]) == ("closed", {"by": "x"})
    for status in ("open", "frozen"):
        refused = await bank.world.api.patch(path, json={"status": status})
        assert (refused.status_code, refused.json()["code"]) == (409, "account_closed")
    payment = await bank.world.api.post("/v1/payments", json=bank.world.order(bank.alice))
    assert (payment.status_code, payment.json()["code"]) == (409, "account_closed")


async def test_a_statement_reads_the_same_in_both_directions(bank: Bank) -> None:
    for amount in (1, 2, 3, 4, 5):
        await bank.fill(bank.alice, amount)
    await bank.transfer(amount=6, reference="out")
    path = f"/v1/accounts/{bank.alice}/entries"
    down = await pages(bank.world.api, path)
    up = await pages(bank.world.api, path, order="asc")
    assert up == down[::-1]
    assert [line["balance_after"] for line in up] == [1, 3, 6, 10, 15, 9]
    some = await pages(
        bank.world.api, path, since=up[1]["recorded_at"], until=up[4]["recorded_at"], order="asc"
    )
    assert some == up[1:4]
    assert await pages(bank.world.api, path, kind="reversal") == []
    assert await pages(bank.world.api, path, kind="transfer") == down


async def test_a_past_balance_is_read_by_recorded_or_effective_time(bank: Bank) -> None:
    now = datetime.now(UTC)
    yesterday, tomorrow = now - timedelta(days=1), now + timedelta(days=1)
    first = await bank.fill(bank.alice, 100)
    await bank.fill(bank.alice, 10, effective_at=yesterday.isoformat())
    await bank.fill(bank.alice, 1, effective_at=tomorrow.isoformat())
    path = f"/v1/accounts/{bank.alice}/balance"

    async def read(**query: str) -> int:
        balance: int = (await bank.world.api.get(path, params=query)).json()["balance"]
        return balance

    assert await read() == 111
    assert await read(at=first["recorded_at"]) == 100
    assert await read(at=now.isoformat()) == 0
    assert await read(at=now.isoformat(), effective="true") == 10
    assert await read(effective="true") == 110
    assert await read(at=tomorrow.isoformat(), effective="true") == 111


async def test_the_trial_balance_is_even(bank: Bank) -> None:
    await bank.fill(bank.alice, 1000)
    await bank.transfer(amount=300)
    await bank.world.wallet("wallet:usd", "USD")
    answer = await bank.world.api.get("/v1/ledger/trial-balance")
    assert answer.json()["data"] == [
        {
            "object": "trial_balance",
            "currency": "EUR",
            "accounts": 3,
            "debits": 1000,
            "credits": 1000,
        },
        {"object": "trial_balance", "currency": "USD", "accounts": 1, "debits": 0, "credits": 0},
    ]


async def test_the_audit_record_names_the_caller_and_the_transfer(bank: Bank) -> None:
    await bank.fill(bank.alice, 100)
    hold = (await bank.hold()).json()
    await bank.world.api.post(f"/v1/holds/{hold['id']}/release")
    story = await pages(bank.world.api, "/v1/audit-records", object=hold["id"])
    assert [event["action"] for event in story] == ["hold.released", "hold.placed"]
    [posted] = [
        event
        for event in await pages(bank.world.api, "/v1/audit-records")
        if event["action"] == "ledger.posted"
    ]
    assert posted["actor"].startswith("key_")
    assert posted["object"].startswith("lbt_")
    assert posted["data"]["transactions"] == 1
    findings = await asyncio.to_thread(verify, bank.world.settings, lambda _: None)
    assert {finding.name for finding in findings if not finding.ok} == set()
