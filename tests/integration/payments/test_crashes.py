"""kill -9 at every step of taking a payment, for both providers: charged once, and known."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE

from groat.app.verify import verify
from groat.kernel import ids
from tests.integration.payments.victims import STEPS
from tests.integration.world import GOOD_PAYPAL, GOOD_STRIPE, Site, World


async def test_whatever_dies_and_whenever_the_customer_is_charged_once(world: World) -> None:
    wallet = await world.wallet()
    methods = ((world.stripe, GOOD_STRIPE), (world.paypal, GOOD_PAYPAL))
    for site, _ in methods:
        await site.set_faults(answer_ms=1_000)  # so that a call can be died in, after its effect
    cases = [
        _case(world, wallet, site, method, step)
        for step, (site, method) in itertools.product(STEPS, methods)
    ]
    assert await _killed(world, cases) == {signal.SIGKILL}
    for site, _ in methods:
        await site.set_faults()

    await world.rows("update operation set due_at = now() - interval '1 s'")
    while await world.engine.recovery.recover_batch():
        pass

    found = await world.rows("select status, provider_account_id from payment")
    written = len(STEPS) - 1  # who died before the commit has left nothing
    assert [status for status, _ in found] == ["succeeded"] * 2 * written
    charges = [await site.charges() for site, _ in methods]
    assert [len(made) for made in charges] == [written, written]
    assert len({charge["reference"] for made in charges for charge in made}) == 2 * written
    assert await world.balance(wallet) == 1050 * 2 * written
    assert all(finding.ok for finding in await asyncio.to_thread(verify, world.settings, print))


def _case(world: World, wallet: str, site: Site, method: str, step: str) -> dict[str, str]:
    return {
        "merchant": ids.render_merchant(world.merchant_id),
        "wallet": wallet,
        "provider_account": site.account,
        "payment_method": method,
        "step": step,
        "key": f"{step} {method}",
    }


async def _killed(world: World, cases: list[dict[str, str]]) -> set[int]:
    """Let a victim process run the cases; return the signals that ended them."""
    module = "tests.integration.payments.victims"
    victims = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, **world.variables},
    )
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    said, _ = await asyncio.wait_for(victims.communicate(lines.encode()), 120)
    ends = [int(line) for line in said.split()]
    assert len(ends) == len(cases)
    return set(ends)
