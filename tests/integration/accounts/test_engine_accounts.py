"""The engine's own accounts are moved by facts alone: no caller debits, credits or holds them."""

from __future__ import annotations

import pytest

from tests.support.bank import Bank

ENGINE_ACCOUNTS = ("provider", "fees", "receivable")


@pytest.fixture
async def engine_accounts(bank: Bank) -> dict[str, str]:
    """The engine's accounts of a merchant with a payment, its fee and a dispute, by kind."""
    world = bank.world
    paid = await world.pay(bank.alice)
    await bank.transfer(debit_account=bank.alice, amount=1050)
    await world.stripe.pull("dispute", paid)
    await world.settle()
    listed = (await world.api.get("/v1/accounts?limit=100")).json()["data"]
    found = {account["code"].split(":")[0]: account["id"] for account in listed}
    return {kind: found[kind] for kind in ENGINE_ACCOUNTS}


def _money(bank: Bank, debit: str, credit: str) -> list[tuple[str, dict[str, object]]]:
    """Return every request that moves money from ``debit`` to ``credit``."""
    order = bank.order(debit_account=debit, credit_account=credit, amount=1)
    good = bank.order(debit_account=bank.source, credit_account=bank.bob, amount=1)
    return [
        ("transfers", order),
        ("transfers/bulk", {"transfers": [order]}),
        ("transfers/bulk", {"transfers": [good, order], "linked": True}),
    ]


@pytest.mark.parametrize("kind", ENGINE_ACCOUNTS)
async def test_no_transfer_debits_or_credits_an_account_of_the_engine(
    bank: Bank, engine_accounts: dict[str, str], kind: str
) -> None:
    account = engine_accounts[kind]
    before = await bank.world.counts()
    for debit, credit in ((account, bank.bob), (bank.source, account)):
        for path, body in _money(bank, debit, credit):
            answer = await bank.world.ask(path, body)
            if path == "transfers":
                problem = answer.json()
                assert answer.status_code == 403, answer.text
            else:
                problem = answer.json()["data"][-1]["error"]
            assert problem["code"] == "engine_account", answer.text
    after = await bank.world.counts()
    assert after["ledger_entry"] == before["ledger_entry"]


@pytest.mark.parametrize("kind", ENGINE_ACCOUNTS)
async def test_no_hold_reserves_on_or_is_captured_to_an_account_of_the_engine(
    bank: Bank, engine_accounts: dict[str, str], kind: str
) -> None:
    account = engine_accounts[kind]
    await bank.fill(bank.bob, 100)
    order = {"amount": 10, "currency": "EUR"}
    placed = await bank.world.ask("holds", {**order, "reference": "h1", "account": account})
    assert (placed.status_code, placed.json()["code"]) == (403, "engine_account")
    hold = await bank.world.ask("holds", {**order, "reference": "h2", "account": bank.bob})
    capture = {"reference": "take", "credit_account": account}
    taken = await bank.world.ask(f"holds/{hold.json()['id']}/capture", capture)
    assert (taken.status_code, taken.json()["code"]) == (403, "engine_account")
    assert await bank.standing(bank.bob) == (1150, 10, 1140)


@pytest.mark.parametrize("kind", ENGINE_ACCOUNTS)
async def test_no_caller_freezes_closes_or_annotates_an_account_of_the_engine(
    bank: Bank, engine_accounts: dict[str, str], kind: str
) -> None:
    for change in ({"status": "frozen"}, {"status": "closed"}, {"metadata": {"a": "b"}}):
        path = f"/v1/accounts/{engine_accounts[kind]}"
        answer = await bank.world.api.patch(path, json=change)
        assert (answer.status_code, answer.json()["code"]) == (403, "engine_account")
