"""The textbook's API: one FastAPI route on ``uvicorn``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import stripe
import uvicorn
from bullmq import Queue
from fastapi import FastAPI, Header, HTTPException, Request
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

from groat.app.supervision import exit_with_parent

QUEUE = "stripe-webhooks"
SEEN_SECONDS = 24 * 3600
"""Seconds for which Redis remembers the id of an event."""

_SECRET = os.environ["TEXTBOOK_WEBHOOK_SECRET"]
_REDIS_URL = os.environ["TEXTBOOK_REDIS_URL"]
_JOB = {
    "removeOnComplete": True,
    "attempts": 5,
    "backoff": {"type": "exponential", "delay": 1000},
}

pool = AsyncConnectionPool(
    os.environ["TEXTBOOK_DATABASE_URL"],
    min_size=4,
    max_size=16,
    kwargs={"autocommit": True},
    open=False,
)
redis = Redis.from_url(_REDIS_URL)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the pool and the queue for requests, and close them at the end."""
    async with exit_with_parent(), pool:
        app.state.queue = Queue(QUEUE, {"connection": _REDIS_URL})
        yield
        await app.state.queue.close()
        await redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/webhooks/stripe")
async def receive(
    request: Request, stripe_signature: Annotated[str, Header()] = ""
) -> dict[str, bool]:
    """Verify an event, remember its id, store it, enqueue a job, and acknowledge it."""
    body = await request.body()
    try:
        event = stripe.Webhook.construct_event(body, stripe_signature, _SECRET)
    except (ValueError, stripe.SignatureVerificationError):
        raise HTTPException(400) from None
    if not await redis.set(f"stripe:{event.id}", 1, nx=True, ex=SEEN_SECONDS):
        return {"received": True}
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "insert into webhook_event (event_id, type, body) values (%s, %s, %s) "
            "on conflict (event_id) do nothing returning id",
            (event.id, event.type, body),
        )
        row = await cursor.fetchone()
    if row is not None:
        await request.app.state.queue.add(event.type, {"id": row[0]}, _JOB)
    return {"received": True}


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(os.environ["TEXTBOOK_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
