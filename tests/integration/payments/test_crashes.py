"""kill -9 at every step of every command, for both providers: done once, and known."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from groat.kernel import ids
from tests.integration.payments.victims import COMMANDS, STEPS
from tests.support import zygote
from tests.support.payments import PROVIDERS, pay
from tests.support.processes import environment
from tests.support.soundness import assert_sound
from tests.support.world import GOOD, Payment, World


class Case(NamedTuple):
    """A process that dies at a step of a command; ``payment`` is what the command is given to."""

    provider: str
    command: str
    step: str
    payment: Payment | None


ROUNDS = int(os.environ.get("GROAT_CRASH_ROUNDS", "1"))
"""Each is a victim at every step of every command for both providers; ``make drill`` runs ten."""


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_every_command_takes_effect_once_despite_a_crash_at_any_step(
    world: World, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - the same deaths every time
    wallet = await world.wallet()
    matrix = itertools.product(PROVIDERS, COMMANDS, STEPS)
    cases = [Case(*cell, await _prepared(world, wallet, *cell[:2])) for cell in matrix]
    for provider in PROVIDERS:  # so that a call can be died in, after its effect
        faults = {"answer_ms": 500, "duplicate": chance.random(), "shuffle_ms": 300, "seed": seed}
        await world.site(provider).set_faults(**faults)
    assert await _killed(world, wallet, cases, chance) == {signal.SIGKILL}
    for provider in PROVIDERS:
        await world.site(provider).set_faults()

    for _ in range(2):  # what was taken by the first may be refunded by none but its own
        await world.make_due()
        while await world.engine.recovery.recover_batch():
            pass
    for case in cases:
        if case.payment is not None:
            await _assert_done_once(world, case, await world.payment(case.payment["id"]))
    await _assert_taken_once(world)
    await world.settle()
    assert await world.rows("select from operation where outcome in ('pending', 'unknown')") == []
    await assert_sound(world)


async def _prepared(world: World, wallet: str, provider: str, command: str) -> Payment | None:
    """Return a payment that the command can be given to."""
    match command:
        case "capture" | "cancel":
            return await world.reserve(wallet, provider)
        case "refund":
            return await pay(world, wallet, provider)
        case _:
            return None


async def _assert_done_once(world: World, case: Case, found: Payment) -> None:
    """Hold a payment, its operation and the provider's books against each other.

    Who died before the commit has left nothing.
    """
    done = case.step != "before_written_down"
    site = world.site(case.provider)
    charges = [one for one in await site.charges() if one["reference"] == found["id"]]
    of = {one["id"] for one in charges}
    refunds = [one["amount"] for one in await site.really("refunds") if one["parent"] in of]
    taken = [one["amount"] for one in charges]
    expected = {
        "capture": ("succeeded", [1050], []) if done else ("authorized", [], []),
        "cancel": ("canceled", [], []) if done else ("authorized", [], []),
        "refund": ("succeeded", [1050], [400] if done else []),
    }
    assert (found["status"], taken, refunds) == expected[case.command], case
    assert found["refunded"] == sum(refunds)
    assert found["refund_pending"] == 0


async def _assert_taken_once(world: World) -> None:
    """Hold the payments that the victims made against the providers' books."""
    made = await world.rows(
        "select p.id, p.status from payment p join audit_record r on r.object_id = p.id "
        "where convert_from(r.body, 'UTF8')::jsonb ->> 'actor' = 'key_victim' "
        "and convert_from(r.body, 'UTF8')::jsonb ->> 'action' = 'payment.created'"
    )
    assert [status for _, status in made] == ["succeeded"] * 2 * (len(STEPS) - 1)
    references = [
        charge["reference"]
        for provider in PROVIDERS
        for charge in await world.site(provider).charges()
    ]
    for payment_id, _ in made:
        assert references.count(ids.render("payment", payment_id)) == 1


def _line(world: World, wallet: str, case: Case, seconds: float) -> str:
    document = {
        "merchant": ids.render_merchant(world.merchant_id),
        "wallet": wallet,
        "provider_account": world.site(case.provider).account,
        "payment_method": GOOD[case.provider],
        "command": case.command,
        "step": case.step,
        "seconds": seconds,
        "payment": "" if case.payment is None else case.payment["id"],
    }
    return json.dumps(document) + "\n"


async def _killed(world: World, wallet: str, cases: list[Case], chance: Random) -> set[int]:
    """Let a victim process run the cases; return the signals that ended them."""
    lines = "".join(_line(world, wallet, case, chance.uniform(0.05, 0.4)) for case in cases)
    victims = await asyncio.to_thread(
        zygote.run,
        "tests.integration.payments.victims",
        cwd=Path(__file__).parents[3],
        env=environment(world.settings.home, **world.variables),
        stdin=lines,
    )
    assert victims.returncode == 0, victims.stderr
    ends = [int(line) for line in victims.stdout.split()]
    assert len(ends) == len(cases)
    return set(ends)
