"""A process that takes payments and is killed at a step of each: no handler runs.

Its settings are in its environment, and it takes one case a line on standard input. A case is run
by a child of its own, forked from a process that has read everything already.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias
from unittest.mock import patch

from groat.app.wiring import open_engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, ProviderAccountId
from groat.kernel.money import Money
from groat.payments.domain.payment import PaymentOrder
from groat.payments.infrastructure import store
from groat.platform.connection import Connection
from groat.platform.idempotency import RequestKey
from groat.platform.settings import Settings, read_settings
from groat.providers.paypal.adapter import PayPalProvider
from groat.providers.port import Authorization, Reply
from groat.providers.stripe.adapter import StripeProvider

STEPS = (
    "before_written_down",
    "after_written_down",
    "during_call",
    "after_call",
    "before_concluded",
    "after_concluded",
)
Authorize: TypeAlias = Callable[[Any, Authorization], Awaitable[Reply]]
_IN_CALL_SECONDS = 0.4


def die() -> NoReturn:
    """End this process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still here")


def dying(authorize: Authorize, step: str) -> Authorize:
    """Return a call to the provider that its process does not survive."""

    async def call(provider: object, authorization: Authorization) -> Reply:
        if step == "after_written_down":
            die()
        if step == "during_call":
            asyncio.get_running_loop().call_later(_IN_CALL_SECONDS, die)
        reply = await authorize(provider, authorization)
        if step == "after_call":
            die()
        return reply

    return call


def doomed(step: str) -> Callable[[Connection], Awaitable[None]]:
    """Return a commit that dies before or after the transaction that ``step`` names."""
    commit = Connection.commit
    when, _, which = step.partition("_")
    touched: set[str] = set()

    def noting(name: str) -> None:
        write = getattr(store, name)

        def note(*arguments: object) -> None:
            touched.add({"insert_payment": "written_down", "settle_operations": "concluded"}[name])
            write(*arguments)

        setattr(store, name, note)

    noting("insert_payment")
    noting("settle_operations")

    async def commit_or_die(connection: Connection) -> None:
        if when == "before" and which in touched:
            die()
        await commit(connection)
        if step == "after_concluded" and which in touched:
            die()

    return commit_or_die


async def pay(settings: Settings, case: dict[str, str]) -> None:
    """Create the payment of ``case``, and die on the way."""
    caller = Caller(ids.parse_merchant(case["merchant"]), "key_victim", "req_victim")
    order = PaymentOrder(
        Money(1050, "EUR"),
        AccountId(ids.parse("account", case["wallet"])),
        ProviderAccountId(ids.parse("provider_account", case["provider_account"])),
        case["payment_method"],
        None,
        {},
    )
    step = case["step"]
    with (
        patch.object(StripeProvider, "authorize", dying(StripeProvider.authorize, step)),
        patch.object(PayPalProvider, "authorize", dying(PayPalProvider.authorize, step)),
        patch.object(Connection, "commit", doomed(step)),
    ):
        async with open_engine(settings) as engine:
            await engine.payments.create(caller, order, RequestKey(case["key"], b"request"))


def main() -> None:
    """Run each case in a child, and write out the signal that ended it."""
    settings = read_settings()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(pay(settings, json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
