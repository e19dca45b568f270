"""A process that gives commands and is killed at a step of each: no handler runs.

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
from contextlib import ExitStack
from typing import Any, NoReturn, TypeAlias
from unittest.mock import patch

from groat.app.wiring import Engine, open_engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.payments.domain.payment import CaptureOrder, PaymentOrder, PaymentTerms
from groat.payments.domain.refund import RefundOrder
from groat.payments.infrastructure import operations
from groat.platform.postgres.connection import Connection
from groat.platform.process.command_log import configure_command_log
from groat.platform.process.settings import Settings, read_settings
from groat.providers.paypal.operations import PayPalOperations
from groat.providers.port import Reply
from groat.providers.stripe.operations import StripeOperations
from groat.routing.domain.route import Route

COMMANDS = ("authorize", "capture", "cancel", "refund")
STEPS = (
    "before_written_down",
    "after_first_commit",
    "after_written_down",
    "during_call",
    "after_call",
    "before_concluded",
    "after_concluded",
)
Call: TypeAlias = Callable[[Any, Any], Awaitable[Reply]]
_AT_ONCE = 8


def die() -> NoReturn:
    """End this process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still here")


def dying(call: Call, step: str, seconds: float) -> Call:
    """Return a call to the provider that its process does not survive, ``seconds`` into it."""

    async def die_on_the_way(provider: object, request: object) -> Reply:
        if step == "after_written_down":
            die()
        if step == "during_call":
            asyncio.get_running_loop().call_later(seconds, die)
        reply = await call(provider, request)
        if step == "after_call":
            die()
        return reply

    return die_on_the_way


def doomed(step: str) -> Callable[[Connection], Awaitable[None]]:
    """Return a commit that dies before or after the transaction that ``step`` names."""
    commit = Connection.commit
    when, _, which = step.partition("_")
    touched: set[str] = set()

    def noting(name: str, meaning: str) -> None:
        write = getattr(operations, name)

        def note(*arguments: object) -> None:
            touched.add(meaning)
            write(*arguments)

        setattr(operations, name, note)

    noting("insert_operation", "written_down")
    noting("settle", "concluded")

    async def commit_or_die(connection: Connection) -> None:
        if when == "before" and which in touched:
            die()
        await commit(connection)
        if step == "after_first_commit" or (step == "after_concluded" and which in touched):
            die()

    return commit_or_die


async def command(engine: Engine, case: dict[str, Any]) -> None:
    """Give the command of ``case``."""
    caller = Caller(ids.parse_merchant(case["merchant"]), "key_victim", "req_victim")
    payments = engine.payments
    if case["command"] == "authorize":
        order = PaymentOrder(
            PaymentTerms(Money(1050, "EUR"), AccountId(ids.parse("account", case["wallet"]))),
            Route.direct(
                ProviderAccountId(ids.parse("provider_account", case["provider_account"])),
                case["payment_method"],
            ),
        )
        await payments.create(caller, order)
        return
    payment_id = PaymentId(ids.parse("payment", case["payment"]))
    match case["command"]:
        case "capture":
            await payments.capture(caller, payment_id, CaptureOrder())
        case "cancel":
            await payments.cancel(caller, payment_id)
        case "refund":
            await engine.refunds.refund(caller, RefundOrder(payment_id, 400, None, {}))
        case unknown:
            raise AssertionError(unknown)


async def run(settings: Settings, case: dict[str, Any]) -> None:
    """Give the command of ``case``, and die on the way."""
    step, name = case["step"], case["command"]
    with ExitStack() as stack:
        for operations in (StripeOperations, PayPalOperations):
            call = dying(getattr(operations, name), step, case["seconds"])
            stack.enter_context(patch.object(operations, name, call))
        async with open_engine(settings) as engine:
            stack.enter_context(patch.object(Connection, "commit", doomed(step)))
            await command(engine, case)


def main() -> None:
    """Run each case in a child, some at once, and write out the signals that ended them."""
    settings = read_settings()
    under_way = 0
    for line in sys.stdin:
        if under_way == _AT_ONCE:
            report_one()
            under_way -= 1
        if os.fork() == 0:
            asyncio.run(run(settings, json.loads(line)))
            os._exit(0)
        under_way += 1
    for _ in range(under_way):
        report_one()


def report_one() -> None:
    """Wait for a child to end, and write out the signal that ended it, 0 if none did."""
    _, status = os.wait()
    sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_command_log()  # results are on standard output
    main()
