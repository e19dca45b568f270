"""What cannot be is refused with a code of its own, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from groat.accounts.domain.chart import wallet
from groat.kernel import ids
from groat.kernel.caller import Caller
from tests.support.bank import Bank
from tests.support.world import OPERATOR

MISSING_ACCOUNT = "acct_01m8n4kbb3ebgbqwav0p0cncj0"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 0}, 422, "amount_not_positive"),
        ({"amount": -1}, 422, "amount_not_positive"),
        ({"amount": 2**53}, 422, "amount_too_large"),
        ({"amount": 10**400}, 422, "amount_too_large"),
        ({"amount": 1.5}, 422, "invalid_request"),
        ({"amount": True}, 422, "invalid_request"),
        ({"amount": "100"}, 422, "invalid_request"),
        ({"amount": None}, 422, "invalid_request"),
        ({"currency": "XXX"}, 422, "unknown_currency"),
        ({"currency": "eur"}, 422, "unknown_currency"),
        ({"currency": "USD"}, 422, "currency_mismatch"),
        ({"currency": 978}, 422, "invalid_request"),
        ({"debit_account": MISSING_ACCOUNT}, 404, "account_not_found"),
        ({"credit_account": MISSING_ACCOUNT}, 404, "account_not_found"),
        ({"credit_account": "acct_x"}, 404, "account_not_found"),
        ({"reference": ""}, 422, "invalid_reference"),
        ({"reference": "a b"}, 422, "invalid_reference"),
        ({"reference": "é"}, 422, "invalid_reference"),
        ({"reference": "a\x00"}, 422, "unstorable_text"),
        ({"reference": "a\x1b"}, 422, "invalid_reference"),
        ({"reference": "x" * 256}, 422, "invalid_reference"),
        ({"reference": "groat:reversal:txn_1"}, 422, "invalid_reference"),
        ({"reference": "groat:captured:pi_1"}, 422, "invalid_reference"),
        ({"reference": 5}, 422, "invalid_request"),
        ({"effective_at": "2026-01-01T00:00:00"}, 422, "invalid_request"),
        ({"effective_at": "yesterday"}, 422, "invalid_request"),
        ({"effective_at": 1700000000}, 422, "invalid_request"),
        ({"memo": "x"}, 422, "invalid_request"),
    ],
    ids=str,
)
async def test_an_invalid_transfer_leaves_nothing(
    shared_bank: Bank, changes: Mapping[str, object], status: int, code: str
) -> None:
    before = await shared_bank.world.counts()
    refused = await shared_bank.transfer(**changes)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    bulk = {"transfers": [shared_bank.order(), shared_bank.order(**changes)], "linked": True}
    answer = await shared_bank.world.api.post("/v1/transfers/bulk", json=bulk)
    if answer.status_code == 200:
        item = answer.json()["data"][1]
        assert (item["status"], item["error"]["code"]) == ("refused", code)
    else:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await shared_bank.world.counts() == before


async def test_a_transfer_needs_two_accounts_of_one_currency(shared_bank: Bank) -> None:
    dollars = await shared_bank.world.wallet("wallet:usd", "USD")
    before = await shared_bank.world.counts()
    for changes, code in (
        ({"credit_account": shared_bank.alice}, "same_account"),
        ({"credit_account": dollars}, "currency_mismatch"),
        ({"debit_account": dollars}, "currency_mismatch"),
    ):
        refused = await shared_bank.transfer(**changes)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await shared_bank.world.counts() == before


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1e400", "0.1", "1e2"])
async def test_an_amount_that_is_no_whole_number_is_refused(shared_bank: Bank, amount: str) -> None:
    before = await shared_bank.world.counts()
    body = json.dumps(shared_bank.order(amount="AMOUNT")).replace('"AMOUNT"', amount)
    refused = await shared_bank.world.api.post(
        "/v1/transfers", content=body, headers={"content-type": "application/json"}
    )
    assert refused.status_code in {400, 422}, refused.text
    assert await shared_bank.world.counts() == before


async def test_an_account_of_another_merchant_is_not_found(bank: Bank) -> None:
    other = await bank.world.engine.merchants.create(OPERATOR, "Other")
    theirs = await bank.world.engine.accounts.create(
        Caller(other, "key_other", "req_other"), wallet("wallet:a", "EUR")
    )
    before = await bank.world.counts()
    account = ids.render("account", theirs.id)
    for changes in ({"debit_account": account}, {"credit_account": account}):
        await bank.fill(bank.alice, 100)
        refused = await bank.transfer(**changes)
        assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    refused = await bank.hold(account=account)
    assert refused.status_code == 404
    assert (await bank.world.api.get(f"/v1/accounts/{account}/entries")).status_code == 404
    assert (await bank.world.counts())["hold"] == before["hold"]


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_an_account_that_is_not_open_neither_receives_nor_sends(
    bank: Bank, status: str
) -> None:
    await bank.fill(bank.alice, 100)
    await bank.world.api.patch(f"/v1/accounts/{bank.bob}", json={"status": status})
    before = await bank.world.counts()
    for attempt in (await bank.transfer(), await bank.hold(account=bank.bob)):
        assert (attempt.status_code, attempt.json()["code"]) == (409, f"account_{status}")
    assert await bank.world.counts() == before


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 0}, 422, "amount_not_positive"),
        ({"amount": 2**53}, 422, "amount_too_large"),
        ({"amount": 1001}, 409, "insufficient_funds"),
        ({"currency": "USD"}, 422, "currency_mismatch"),
        ({"account": MISSING_ACCOUNT}, 404, "account_not_found"),
        ({"reference": "a b"}, 422, "invalid_reference"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_in_past"),
        ({"expires_at": "2020-01-01T00:00:00"}, 422, "invalid_request"),
        ({"state": "open"}, 422, "invalid_request"),
    ],
    ids=str,
)
async def test_an_invalid_hold_leaves_nothing(
    shared_bank: Bank, changes: Mapping[str, object], status: int, code: str
) -> None:
    before = await shared_bank.world.counts()
    refused = await shared_bank.hold(**changes)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert await shared_bank.world.counts() == before


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 0}, 422, "amount_not_positive"),
        ({"amount": 61}, 409, "hold_exceeded"),
        ({"amount": 1.0}, 422, "invalid_request"),
        ({"reference": ""}, 422, "invalid_reference"),
        ({"reference": "taken"}, 409, "reference_reused"),
        ({"credit_account": MISSING_ACCOUNT}, 404, "account_not_found"),
    ],
    ids=str,
)
async def test_an_invalid_capture_leaves_nothing(
    bank: Bank, changes: Mapping[str, object], status: int, code: str
) -> None:
    await bank.fill(bank.alice, 100, reference="taken")
    hold = (await bank.hold()).json()
    before = await bank.world.counts()
    body = {"reference": "capture", "credit_account": bank.bob, **changes}
    refused = await bank.world.api.post(f"/v1/holds/{hold['id']}/capture", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert await bank.world.counts() == before
    assert await bank.standing(bank.alice) == (100, 60, 40)


async def test_an_unknown_hold_or_transfer_is_not_found(bank: Bank) -> None:
    hold, transfer = ids.render("hold", ids.uuid7()), ids.render("ledger_transaction", ids.uuid7())
    capture = {"reference": "x", "credit_account": bank.bob}
    for answer in (
        await bank.world.api.get(f"/v1/holds/{hold}"),
        await bank.world.api.post(f"/v1/holds/{hold}/release"),
        await bank.world.api.post(f"/v1/holds/{hold}/capture", json=capture),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "hold_not_found")
    for answer in (
        await bank.world.api.get(f"/v1/transfers/{transfer}"),
        await bank.world.api.post(f"/v1/transfers/{transfer}/reverse"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "transfer_not_found")


async def test_a_payments_posting_is_no_transfer(bank: Bank) -> None:
    await bank.world.pay(bank.alice)
    entries = await bank.world.api.get(f"/v1/accounts/{bank.alice}/entries")
    [line] = entries.json()["data"]
    answer = await bank.world.api.post(f"/v1/transfers/{line['transaction']}/reverse")
    assert (answer.status_code, answer.json()["code"]) == (404, "transfer_not_found")


@pytest.mark.parametrize("many", [0, 501])
async def test_a_bulk_has_one_to_five_hundred_items(shared_bank: Bank, many: int) -> None:
    before = await shared_bank.world.counts()
    orders = [shared_bank.order(debit_account=shared_bank.source) for _ in range(many)]
    refused = await shared_bank.world.api.post("/v1/transfers/bulk", json={"transfers": orders})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert await shared_bank.world.counts() == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "x", "currency": "EUR", "floor": 1}, "invalid_floor"),
        ({"code": "x", "currency": "EUR", "floor": -(2**53)}, "invalid_floor"),
        ({"code": "x", "currency": "EUR", "normal_side": "debit", "floor": 0}, "invalid_floor"),
        ({"code": "x", "currency": "EUR", "normal_side": "left"}, "invalid_request"),
        ({"code": "fees:x", "currency": "EUR"}, "invalid_account_code"),
        ({"code": "receivable", "currency": "EUR"}, "invalid_account_code"),
        ({"code": "bank:eur", "currency": "EUR"}, "invalid_account_code"),
        ({"code": "x", "currency": "EUR", "metadata": {"a": 1}}, "invalid_request"),
        ({"code": "x", "currency": "EUR", "metadata": {"a": "b" * 501}}, "invalid_metadata"),
        ({"code": "x", "currency": "EUR", "metadata": {"": "b"}}, "invalid_metadata"),
    ],
    ids=str,
)
async def test_an_invalid_account_leaves_nothing(
    shared_bank: Bank, body: Mapping[str, object], code: str
) -> None:
    before = await shared_bank.world.counts()
    refused = await shared_bank.world.api.post("/v1/accounts", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    assert await shared_bank.world.counts() == before
