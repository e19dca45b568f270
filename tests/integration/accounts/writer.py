"""A process that pays into one account until it is told to stop, and says what was acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import sys

from pydantic import SecretStr

from groat.accounts.domain.orders import TransferOrder
from groat.app.wiring import open_engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId
from groat.kernel.money import Money
from groat.platform.process.settings import Settings

AT_ONCE = 20


async def write(
    url: str, key: str, claims: str, merchant: str, till: str, wallet: str, name: str
) -> None:
    """Transfer 1 again and again, several at once; write out each reference once it is done."""
    settings = Settings(
        _env_file=None,
        database_url=SecretStr(url),
        master_key=SecretStr(key),
        ledger_claims=int(claims),
    )
    caller = Caller(ids.parse_merchant(merchant), "key_writer", f"req_{name}")
    debit, credit = (AccountId(ids.parse("account", text)) for text in (till, wallet))
    numbers = itertools.count()
    stop = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with open_engine(settings) as engine:

        async def pay() -> None:
            while not stop.done():
                reference = f"{name}-{next(numbers)}"
                order = TransferOrder(reference, debit, credit, Money(1, "EUR"))
                await engine.transfers.transfer(caller, order)
                sys.stdout.write(reference + "\n")
                sys.stdout.flush()

        await asyncio.gather(*(pay() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(write(*sys.argv[1:]))
