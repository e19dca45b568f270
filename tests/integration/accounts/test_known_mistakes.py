"""Mistakes that other ledgers have published, each as a test (blnk's issues by their number)."""

from __future__ import annotations

import asyncio

import pytest

from groat.accounts.domain.ledger import hold_id
from groat.kernel import ids
from tests.support.bank import Bank


@pytest.fixture
def ledger_claims(both_ways: int) -> int:
    return both_ways


async def test_two_credits_of_one_account_at_once_both_count(bank: Bank) -> None:
    """#238: the destination was not locked, and one of two concurrent credits was lost."""
    sources = [await bank.world.wallet(f"source:{number}") for number in range(20)]
    for source in sources:
        await bank.fill(source, 10)
    await asyncio.gather(
        *(
            bank.transfer(debit_account=source, credit_account=bank.bob, amount=10)
            for source in sources
        )
    )
    assert await bank.standing(bank.bob) == (200, 0, 200)


async def test_no_update_uses_an_outdated_balance(bank: Bank) -> None:
    """#239: a balance was written with a stale version, over another's update."""
    await bank.fill(bank.alice, 100)
    await bank.fill(bank.bob, 100)
    await asyncio.gather(
        *(bank.transfer(amount=1) for _ in range(30)),
        *(
            bank.transfer(debit_account=bank.bob, credit_account=bank.alice, amount=2)
            for _ in range(30)
        ),
    )
    alice, bob = await bank.account(bank.alice), await bank.account(bank.bob)
    assert (alice["balance"], alice["version"]) == (130, 61)
    assert (bob["balance"], bob["version"]) == (70, 61)


async def test_held_money_cannot_be_spent(bank: Bank) -> None:
    """#181: holds were ignored when an overdraft was checked."""
    await bank.fill(bank.alice, 100)
    await bank.hold(amount=80)
    answers = await asyncio.gather(*(bank.transfer(amount=20) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert await bank.standing(bank.alice) == (80, 80, 0)
    again = await bank.hold(amount=1)
    assert again.json()["code"] == "insufficient_funds"


async def test_a_hold_that_was_refused_cannot_be_captured(bank: Bank) -> None:
    """#182: a transaction in flight that was rejected could still be committed."""
    await bank.fill(bank.alice, 100)
    refused = await bank.hold(reference="greedy", amount=101)
    assert refused.status_code == 409
    held = (await bank.hold(reference="modest", amount=50)).json()
    await bank.world.api.post(f"/v1/holds/{held['id']}/release")
    for reference in ("greedy", "modest"):
        hold_id = held["id"] if reference == "modest" else _id_of(bank, "greedy")
        answer = await bank.world.api.post(
            f"/v1/holds/{hold_id}/capture",
            json={"reference": f"take-{reference}", "credit_account": bank.bob},
        )
        assert answer.status_code in {404, 409}
    assert await bank.standing(bank.alice) == (100, 0, 100)
    assert await bank.standing(bank.bob) == (0, 0, 0)


async def test_two_reversals_of_one_transfer_take_effect_once(bank: Bank) -> None:
    """Hyperswitch #13182: two concurrent refunds both passed."""
    await bank.fill(bank.alice, 100)
    await bank.fill(bank.bob, 1000)
    transfer = (await bank.transfer()).json()
    path = f"/v1/transfers/{transfer['id']}/reverse"
    answers = await asyncio.gather(*(bank.world.api.post(path) for _ in range(10)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await bank.standing(bank.bob) == (1000, 0, 1000)


def _id_of(bank: Bank, reference: str) -> str:
    return ids.render("hold", hold_id(bank.world.merchant_id, reference))
