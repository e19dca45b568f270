"""``groat accounts``: what an operator sees of the books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from subprocess import CompletedProcess

import pytest

from groat.kernel import ids
from tests.support.bank import Bank

Groat = Callable[..., Awaitable[CompletedProcess[str]]]


@pytest.fixture
async def accounts(bank: Bank) -> Groat:
    """Runs ``groat accounts`` on the merchant of the bank."""
    await bank.fill(bank.alice, 123_456)
    await bank.transfer(reference="rent", amount=20_056)
    merchant = ids.render_merchant(bank.world.merchant_id)

    async def run(command: str, *arguments: str) -> CompletedProcess[str]:
        return await bank.world.groat("accounts", command, merchant, *arguments)

    return run


async def test_accounts_are_listed_with_their_balances(accounts: Groat) -> None:
    shown, listed = await asyncio.gather(accounts("list"), accounts("list", "--json"))
    assert "wallet:a" in shown.stdout
    assert "1034.00 EUR" in shown.stdout
    balances = {one["code"]: one["balance"] for one in json.loads(listed.stdout)}
    assert balances == {"till": 123_456, "wallet:a": 103_400, "wallet:b": 20_056}


async def test_an_account_is_found_by_code_and_by_id(bank: Bank, accounts: Groat) -> None:
    by_code, by_id, nobody = await asyncio.gather(
        accounts("show", "wallet:a", "--json"),
        accounts("show", bank.alice, "--json"),
        accounts("show", "wallet:nobody"),
    )
    assert json.loads(by_code.stdout) == json.loads(by_id.stdout)
    assert nobody.returncode == 2
    assert nobody.stderr.startswith("Error (account_not_found):")


async def test_each_entry_is_shown_with_its_balance(accounts: Groat) -> None:
    shown, listed = await asyncio.gather(
        accounts("entries", "wallet:a"), accounts("entries", "wallet:a", "--oldest-first", "--json")
    )
    assert "rent" in shown.stdout
    lines = [(one["amount"], one["balance_after"]) for one in json.loads(listed.stdout)]
    assert lines == [(123_456, 123_456), (-20_056, 103_400)]


async def test_the_trial_balance_is_even(accounts: Groat) -> None:
    shown, listed = await asyncio.gather(
        accounts("trial-balance"), accounts("trial-balance", "--json")
    )
    assert "EUR" in shown.stdout
    [euros] = json.loads(listed.stdout)
    assert (euros["debits"], euros["credits"]) == (123_456, 123_456)
