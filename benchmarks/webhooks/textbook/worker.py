"""The textbook's worker: each job applies one event in one transaction."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress

import uvloop
from bullmq import Job, Worker
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from groat.app.supervision import exit_with_parent

QUEUE = "stripe-webhooks"
CONCURRENCY = 8
"""Jobs at once. With 2, 4 or 16 the rate is the same, since all jobs wait for one account."""

CLOSE_SECONDS = 5
"""Maximum seconds to close the worker."""

CLEARING = "clearing"
"""Id of the clearing account, which every payment debits."""

pool = AsyncConnectionPool(
    os.environ["TEXTBOOK_DATABASE_URL"], min_size=CONCURRENCY, max_size=CONCURRENCY, open=False
)


async def process(job: Job, _token: str) -> None:
    """Apply the event that ``job`` names, unless it is already applied."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select event_id, body from webhook_event where id = %s and processed_at is null",
            (job.data["id"],),
        )
        found = await cursor.fetchone()
        if found is None:
            return
        event_id, charge = found[0], json.loads(found[1])["data"]["object"]
        payment_id, amount = charge["metadata"]["groat_payment"], charge["amount_captured"]
        cursor = await connection.execute(
            "select status, account_id from payment where id = %s for update", (payment_id,)
        )
        payment = await cursor.fetchone()
        if payment is None or payment[0] == "succeeded":
            return
        wallet = payment[1]
        cursor = await connection.execute(
            "select id, balance from account where id in (%s, %s) order by id for update",
            (CLEARING, wallet),
        )
        balances: dict[str, int] = dict(await cursor.fetchall())
        await connection.execute(
            "update payment set status = 'succeeded', charge_id = %s, updated_at = now() "
            "where id = %s",
            (charge["id"], payment_id),
        )
        for account_id, moved in ((CLEARING, -amount), (wallet, amount)):
            await connection.execute(
                "insert into ledger_entry (charge_id, account_id, amount, balance_after) "
                "values (%s, %s, %s, %s)",
                (charge["id"], account_id, moved, balances[account_id] + moved),
            )
            await connection.execute(
                "update account set balance = balance + %s, updated_at = now() where id = %s",
                (moved, account_id),
            )
        await connection.execute(
            "insert into audit_record (object_id, action, data) values (%s, %s, %s)",
            (payment_id, "payment.captured", Jsonb({"event": event_id, "amount": amount})),
        )
        await connection.execute(
            "update webhook_event set processed_at = now() where id = %s", (job.data["id"],)
        )


async def main() -> None:
    """Work until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with exit_with_parent(), pool:
        worker = Worker(
            QUEUE,
            process,
            {"connection": os.environ["TEXTBOOK_REDIS_URL"], "concurrency": CONCURRENCY},
        )
        await stop.wait()
        with suppress(TimeoutError):  # it may wait for a stopped Redis
            await asyncio.wait_for(worker.close(), CLOSE_SECONDS)


if __name__ == "__main__":
    uvloop.run(main())
