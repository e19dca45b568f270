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
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import uvloop

from benchmarks.ledger import ground
from groat.accounts.domain.orders import HoldOrder, TransferOrder
from groat.accounts.service.transfers import TransferService
from groat.app.wiring import open_engine
from groat.kernel.caller import Caller
from groat.kernel.errors import Conflict
from groat.kernel.ids import AccountId, MerchantId
from groat.kernel.money import Money
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import Query
from groat.platform.process.memory import settle_memory

AMOUNT = Money(100, "EUR")
_REMEMBERED = 1_000
"""Number of the last transfers from which repeated calls are chosen."""

_ACCOUNTS = Query.of(
    "select account_id, floor is not null from balance where merchant_id = %(merchant_id)s"
    " order by number"
)


@dataclass(frozen=True, slots=True)
class Mix:
    """The calls of a round that are not plain transfers, as shares of all calls.

    ``refused`` transfers debit an empty wallet. ``repeated`` transfers were made before. ``holds``
    reserve an amount instead of moving it.
    """

    refused: float = 0
    repeated: float = 0
    holds: float = 0


PLAIN = Mix()


@dataclass(frozen=True, slots=True)
class Round:
    """A round to run: ``callers`` post concurrently for ``seconds``.

    If ``hot``, all transfers credit the same account.
    """

    seconds: float
    callers: int
    hot: bool
    mix: Mix


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a round. ``latencies_ms`` covers a sample of the calls."""

    calls: int
    seconds: float
    cpu_seconds: float
    latencies_ms: list[float]


async def work(url: str, merchant_id: MerchantId, name: str) -> None:
    """Serve rounds until standard input ends."""
    async with open_engine(ground.settings(url)) as engine:
        accounts = await _accounts(engine.database, merchant_id)
        numbers = itertools.count()
        settle_memory()  # the API does the same
        while line := await asyncio.to_thread(sys.stdin.readline):
            read = json.loads(line)
            asked = Round(**{**read, "mix": Mix(**read["mix"])})
            calls = Calls(engine.transfers, merchant_id, accounts, name, numbers, asked)
            sys.stdout.write(json.dumps(asdict(await _run(calls, asked))) + "\n")
            sys.stdout.flush()


async def _run(calls: Calls, asked: Round) -> Done:
    latencies: list[float] = []
    started, cpu = time.perf_counter(), time.process_time()
    until = started + asked.seconds

    async def call() -> None:
        while (begun := time.perf_counter()) < until:
            await calls.make()
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(call() for _ in range(asked.callers)))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    sample = random.sample(latencies, min(len(latencies), 5000))
    return Done(len(latencies), seconds, cpu_seconds, [1000 * latency for latency in sample])


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of the ledger: one is ``hot``, the others serve at random."""

    hot: AccountId
    others: list[AccountId]
    empty: list[AccountId]


class Calls:
    """Makes the calls of a round: transfers between two random accounts, and those of the mix."""

    def __init__(
        self,
        transfers: TransferService,
        merchant_id: MerchantId,
        accounts: Accounts,
        name: str,
        numbers: Iterator[int],
        asked: Round,
    ) -> None:
        self._transfers = transfers
        self._merchant_id = merchant_id
        self._accounts = accounts
        self._name = name
        self._numbers = numbers
        self._hot, self._mix = asked.hot, asked.mix
        self._made: deque[TransferOrder] = deque(maxlen=_REMEMBERED)

    async def make(self) -> None:
        """Make one call and wait for its answer."""
        mix, luck = self._mix, random.random()  # noqa: S311
        if luck < mix.refused:
            await self._be_refused()
        elif luck < mix.refused + mix.holds:
            reference, account = self._reference(), random.choice(self._accounts.others)  # noqa: S311
            hold = HoldOrder(reference, account, AMOUNT)
            await self._transfers.place_hold(self._caller(reference), hold)
        elif luck < mix.refused + mix.holds + mix.repeated and self._made:
            await self._transfer(random.choice(self._made))  # noqa: S311
        else:
            order = self._order(random.choice(self._accounts.others))  # noqa: S311
            await self._transfer(order)
            if mix.repeated:
                self._made.append(order)

    async def _be_refused(self) -> None:
        order = self._order(random.choice(self._accounts.empty))  # noqa: S311
        try:
            await self._transfer(order)
        except Conflict as refusal:
            if refusal.code != "insufficient_funds":
                raise

    async def _transfer(self, order: TransferOrder) -> None:
        await self._transfers.transfer(self._caller(order.reference), order)

    def _caller(self, reference: str) -> Caller:
        """Return the caller of a request of its own, as over HTTP."""
        return Caller(self._merchant_id, "key_benchmark", f"req_{reference}")

    def _order(self, debit: AccountId) -> TransferOrder:
        credit = self._accounts.hot
        while not self._hot and (credit is self._accounts.hot or credit is debit):
            credit = random.choice(self._accounts.others)  # noqa: S311
        return TransferOrder(self._reference(), debit, credit, AMOUNT)

    def _reference(self) -> str:
        return f"{self._name}-{next(self._numbers)}"


async def _accounts(database: Database, merchant_id: MerchantId) -> Accounts:
    async with database.transaction() as connection:
        rows = await connection.fetch(_ACCOUNTS, {"merchant_id": merchant_id})
    hot, *others = [account_id for account_id, is_empty in rows if not is_empty]
    return Accounts(hot, others, [account_id for account_id, is_empty in rows if is_empty])


if __name__ == "__main__":
    _, url, merchant, name = sys.argv
    uvloop.run(work(url, MerchantId(int(merchant)), name))
