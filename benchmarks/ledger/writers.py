"""A process that posts transfers through ``accounts.service``, as an API process does.

It reads one round per line from standard input, and answers each with a line on standard output.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import uvloop

from benchmarks.ledger import ground
from groat.accounts.domain.orders import TransferOrder
from groat.accounts.service.transfers import TransferService
from groat.app.wiring import open_engine
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, MerchantId
from groat.kernel.money import Money
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import Query
from groat.platform.process.memory import settle_memory

AMOUNT = Money(100, "EUR")
_ACCOUNT_IDS = Query.of(
    "select id from account where merchant_id = %(merchant_id)s order by number"
)


@dataclass(frozen=True, slots=True)
class Round:
    """A round to run: ``callers`` post concurrently for ``seconds``.

    If ``hot``, all transfers credit the same account.
    """

    seconds: float
    callers: int
    hot: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a round. ``latencies_ms`` covers a sample of the calls."""

    transfers: int
    seconds: float
    cpu_seconds: float
    latencies_ms: list[float]


async def work(url: str, merchant_id: MerchantId, name: str) -> None:
    """Serve rounds until standard input ends."""
    async with open_engine(ground.settings(url)) as engine:
        account_ids = await _account_ids(engine.database, merchant_id)
        caller = Caller(merchant_id, "key_benchmark", f"req_{name}")
        numbers = itertools.count()
        settle_memory()  # the API does the same
        while line := await asyncio.to_thread(sys.stdin.readline):
            orders = _orders(
                account_ids, name, numbers, hot=(asked := Round(**json.loads(line))).hot
            )
            done = await _run(engine.transfers, caller, orders, asked)
            sys.stdout.write(json.dumps(asdict(done)) + "\n")
            sys.stdout.flush()


async def _run(
    transfers: TransferService, caller: Caller, orders: Iterator[TransferOrder], asked: Round
) -> Done:
    latencies: list[float] = []
    started, cpu = time.perf_counter(), time.process_time()
    until = started + asked.seconds

    async def call() -> None:
        while (begun := time.perf_counter()) < until:
            await transfers.transfer(caller, next(orders))
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(call() for _ in range(asked.callers)))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    sample = random.sample(latencies, min(len(latencies), 5000))
    return Done(len(latencies), seconds, cpu_seconds, [1000 * latency for latency in sample])


def _orders(
    account_ids: list[AccountId], name: str, numbers: Iterator[int], *, hot: bool
) -> Iterator[TransferOrder]:
    """Yield transfers between two random accounts; if ``hot``, from a random one to the first."""
    first, last = account_ids[0], len(account_ids) - 1
    for number in numbers:
        debit = account_ids[1 + int(random.random() * last)]  # noqa: S311
        credit = first if hot else account_ids[1 + int(random.random() * last)]  # noqa: S311
        if debit is not credit:
            yield TransferOrder(f"{name}-{number}", debit, credit, AMOUNT)


async def _account_ids(database: Database, merchant_id: MerchantId) -> list[AccountId]:
    async with database.transaction() as connection:
        rows = await connection.fetch(_ACCOUNT_IDS, {"merchant_id": merchant_id})
    return [row[0] for row in rows]


if __name__ == "__main__":
    _, url, merchant, name = sys.argv
    uvloop.run(work(url, MerchantId(int(merchant)), name))
