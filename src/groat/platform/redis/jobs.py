"""The doorbell and the job worker: all uses of BullMQ. The due work itself is in PostgreSQL.

A job only tells a worker to look for due rows now. If a job is lost, polling finds the rows within
seconds. So a failure here must neither delay nor fail the caller. The keys in Redis are BullMQ's,
so that every BullMQ dashboard or Node.js worker sees the same queues.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

import redis.asyncio
import structlog
from bullmq import Job, Queue, Worker
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from groat.kernel.backoff import Backoff
from groat.platform.process.tracebacks import name_of
from groat.platform.redis.fast_path import FastPath

RedisClient: TypeAlias = redis.asyncio.Redis

Handler = Callable[[str, Mapping[str, object]], Awaitable[None]]
"""Does a job, given its name and its data."""

RING_SECONDS = 0.25
"""Maximum seconds to wait for Redis when ringing or connecting."""

_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.08
"""Seconds of pause after a ring: for each row that it announced, and the maximum. A ring costs the
API and the worker as much as several rows do, and rows are cheaper in larger batches."""

_MOST_REMINDED = 300
"""Maximum delayed jobs added at once. Polling finds the other rows."""

_LEAVE_NOTHING = {"removeOnComplete": True, "removeOnFail": True}  # BullMQ keeps jobs by default
_RING = {
    # Without keepLastIfActive, BullMQ drops a ring during an active drain.
    "deduplication": {"id": "drain", "keepLastIfActive": True},
    **_LEAVE_NOTHING,
}

_BLOCK_SECONDS = 2
"""Maximum seconds of one blocking call of an idle worker to Redis."""

_SOCKET_SECONDS = 15
"""Socket time-out of a worker. BullMQ blocks for up to 10 seconds when a delayed job is near."""

_CLOSE_SECONDS = 5
"""Seconds that a running job gets to end when its worker closes."""

_HEALTHY_SECONDS = 60
"""Seconds of work after which a worker's end counts as a first failure again."""

_LOG_SECONDS = 10
"""Minimum seconds between two log lines about a worker's errors."""

_RESTART = Backoff(base_seconds=0.2, cap_seconds=10.0)
"""Delay before a new worker replaces one that ended."""

_RETRY = Backoff(base_seconds=1.0, cap_seconds=60.0)
"""Delay before a failed job is tried again."""

_log = structlog.get_logger(__name__)


def connect_redis(url: str) -> redis.asyncio.Redis:
    """Return a client with a short time-out and no retries: a slow Redis saves no time."""
    return _client(url, RING_SECONDS)


class Reminder(NamedTuple):
    """Work to retry after ``delay``. Its ``id`` is unique within its queue."""

    id: str
    delay: timedelta
    data: Mapping[str, object]


class Doorbell:
    """Tells the workers of a queue that rows are due. Without Redis it does nothing.

    In a process that does this work itself, ``answer`` is what it does at a ring, without Redis.
    """

    def __init__(self, client: redis.asyncio.Redis | None, queue: str) -> None:
        self._queue = None if client is None else Queue(queue, {"connection": client})
        self._redis = FastPath("doorbell", "workers poll", seconds=RING_SECONDS)
        self.answer: Callable[[], Awaitable[None]] | None = None
        self._rows = 0  # due rows that no ring has announced yet
        self._ringing: asyncio.Task[None] | None = None

    async def ring(self) -> None:
        """Add one ``drain`` job, unless one waits already. Takes 0.25 s at most and never raises.

        Rings in the second after a failure are skipped.
        """
        queue = self._queue
        if self.answer is not None:
            await self.answer()
        elif queue is not None:
            await self._redis.attempt(lambda: queue.add("drain", {}, _RING))

    def ring_soon(self, rows: int) -> None:
        """Ring in the background, because ``rows`` more rows are due.

        Of many calls in a short time, only the first one and one more ring.
        """
        self._rows += rows
        is_heard = self.answer is not None or self._queue is not None
        if is_heard and self._ringing is None:
            self._ringing = asyncio.create_task(self._ring_while_wanted())

    async def remind(self, reminders: Sequence[Reminder]) -> None:
        """Add a delayed ``retry`` job for each reminder. Takes 0.25 s at most and never raises."""
        queue = self._queue
        if queue is not None and reminders:
            jobs = [_retry_job(reminder) for reminder in reminders[:_MOST_REMINDED]]
            await self._redis.attempt(lambda: queue.addBulk(jobs))

    async def close(self) -> None:
        """Wait for a ring under way, and close the queue's connection."""
        if self._ringing is not None:
            await self._ringing
        if self._queue is not None:
            await self._queue.close()

    async def _ring_while_wanted(self) -> None:
        while self._rows:
            rows, self._rows = self._rows, 0
            await self.ring()
            await asyncio.sleep(min(rows * _PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))
        self._ringing = None


def _retry_job(reminder: Reminder) -> dict[str, Any]:
    options = {
        "jobId": reminder.id,
        "delay": reminder.delay // timedelta(milliseconds=1),
        **_LEAVE_NOTHING,
    }
    return {"name": "retry", "data": dict(reminder.data), "opts": options}


@dataclass(slots=True)
class _ErrorLog:
    """Logs a worker's errors, at most one line in ten seconds, with the number left out before."""

    queue: str
    left_out: int = 0
    quiet_until: float = 0.0

    def __call__(self, error: Exception, *_job: Job) -> None:
        if time.monotonic() < self.quiet_until:
            self.left_out += 1
            return
        _log.warning(
            "worker_error", queue=self.queue, reason=name_of(error), left_out=self.left_out
        )
        self.left_out, self.quiet_until = 0, time.monotonic() + _LOG_SECONDS


class JobWorker:
    """Does the jobs of a queue one at a time, and starts a new BullMQ worker when one ends."""

    def __init__(self, redis_url: str, queue: str, handler: Handler) -> None:
        self._url = redis_url
        self._queue = queue
        self._handler = handler
        self._on_error = _ErrorLog(queue)
        self._random = random.Random()  # noqa: S311 - jitter is no secret

    async def run(self) -> None:
        """Work until cancelled. A job under way then gets five seconds to end."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - after any failure, a new worker starts
                self._on_error(error)
            failures = 1 if time.monotonic() - started > _HEALTHY_SECONDS else failures + 1
            await asyncio.sleep(_RESTART.seconds(failures, self._random))

    async def _work(self) -> None:
        worker = self._new_worker()
        running = asyncio.create_task(worker.run())
        try:
            await asyncio.wait({running})
        finally:
            await _close(worker)
            await asyncio.wait({running})
        running.result()

    def _new_worker(self) -> Worker:
        options = {
            "autorun": False,
            "connection": _client(self._url, _SOCKET_SECONDS),
            "drainDelay": _BLOCK_SECONDS,
            "lockDuration": 10_000,  # BullMQ renews a lock at half of this time
            "stalledInterval": 5_000,  # soon frees a crashed worker's job, which blocks new rings
            "runRetryDelay": 1_000,  # the default of 15 s is too long after a lost connection
            "settings": {"backoffStrategy": self._retry_ms},
        }
        worker = Worker(self._queue, self._process, options)
        worker.on("error", self._on_error)  # without a listener, errors are lost
        return worker

    async def _process(self, job: Job, _token: str) -> None:
        await self._handler(job.name, job.data)

    def _retry_ms(self, attempts_made: int, *_unused: object) -> int:
        """Return the delay of a job whose backoff type is not built in: the built-in has no cap."""
        return round(1000 * _RETRY.seconds(attempts_made, self._random))


def _client(url: str, socket_seconds: float) -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=RING_SECONDS,
        socket_timeout=socket_seconds,
    )


async def _close(worker: Worker) -> None:
    """Close ``worker``, by force after a time limit: an orderly close waits for the whole job."""
    closing = asyncio.create_task(worker.close())
    await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
    if not closing.done():
        await worker.close(force=True)
    await closing
