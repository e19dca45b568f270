"""The doorbell and the jobs: all that Groat does with BullMQ. PostgreSQL is the record.

A job only says "look now". Whatever is lost here, polling finds within seconds, so nothing here
may delay or fail the work of those who call it. The keys are BullMQ's own, so that any dashboard
or worker of the Node world sees the same queues.
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
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.08
"""Between two rings of a busy process, for each row that the first one told of. A ring costs two
processes as much as several rows do, and the more rows a batch has, the less each costs."""

_MOST_REMINDED = 300
_LEAVE_NOTHING = {"removeOnComplete": True, "removeOnFail": True}  # kept for ever otherwise
_RING = {
    # Without keepLastIfActive a ring during an active drain is dropped.
    "deduplication": {"id": "drain", "keepLastIfActive": True},
    **_LEAVE_NOTHING,
}

_BLOCK_SECONDS = 2
_SOCKET_SECONDS = 15  # BullMQ blocks for up to 10 when a delayed job is near
_CLOSE_SECONDS = 5
_HEALTHY_SECONDS = 60
_LOG_SECONDS = 10
_RESTART = Backoff(base_seconds=0.2, cap_seconds=10.0)
_RETRY = Backoff(base_seconds=1.0, cap_seconds=60.0)

_log = structlog.get_logger(__name__)


def connect_redis(url: str) -> redis.asyncio.Redis:
    """Return a client that gives up at once: Redis is the fast path and has no use when slow."""
    return _client(url, RING_SECONDS)


class Reminder(NamedTuple):
    """Something that is to be tried again later. No two of one queue have the same ``id``."""

    id: str
    delay: timedelta
    data: Mapping[str, object]


class Doorbell:
    """Tells the workers of a queue that there is work, if it can. Without Redis it is silent."""

    def __init__(self, client: redis.asyncio.Redis | None, queue: str) -> None:
        self._queue = None if client is None else Queue(queue, {"connection": client})
        self._redis = FastPath("doorbell", "workers poll", seconds=RING_SECONDS)
        self._rows = 0  # that nobody was told of yet
        self._ringing: asyncio.Task[None] | None = None

    async def ring(self) -> None:
        """Add one ``drain`` job, unless one is waiting; never raises, and takes 0.25 s at most.

        After a failure the next second's rings are left out.
        """
        queue = self._queue
        if queue is not None:
            await self._redis.attempt(lambda: queue.add("drain", {}, _RING))

    def ring_soon(self, rows: int) -> None:
        """Ring without having to wait for it, since so many rows are due.

        Of many calls at once, the first and one more ring.
        """
        self._rows += rows
        if self._queue is not None and self._ringing is None:
            self._ringing = asyncio.create_task(self._ring_while_wanted())

    async def remind(self, reminders: Sequence[Reminder]) -> None:
        """Add a delayed ``retry`` job for each; never raises, and takes 0.25 s at most."""
        queue = self._queue
        if queue is not None and reminders:
            jobs = [_retry_job(one) for one in reminders[:_MOST_REMINDED]]
            await self._redis.attempt(lambda: queue.addBulk(jobs))

    async def close(self) -> None:
        """Let go of the connections."""
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
    """Logs a worker's errors, at most one line in ten seconds, with how many it stands for."""

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
    """Does the jobs of a queue one at a time, and outlives whatever ends a BullMQ worker."""

    def __init__(self, redis_url: str, queue: str, handler: Handler) -> None:
        self._url = redis_url
        self._queue = queue
        self._handler = handler
        self._on_error = _ErrorLog(queue)
        self._random = random.Random()  # noqa: S311 - jitter is no secret

    async def run(self) -> None:
        """Work until cancelled; then a job that is being done gets five seconds to end."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - the next worker may fare better
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
            "lockDuration": 10_000,  # renewed at half of it
            "stalledInterval": 5_000,  # a crashed worker's job, and its doorbell, are soon free
            "runRetryDelay": 1_000,  # 15 s by default: too long a pause after a lost connection
            "settings": {"backoffStrategy": self._retry_ms},
        }
        worker = Worker(self._queue, self._process, options)
        worker.on("error", self._on_error)  # without a listener they vanish
        return worker

    async def _process(self, job: Job, _token: str) -> None:
        await self._handler(job.name, job.data)

    def _retry_ms(self, attempts_made: int, *_unused: object) -> int:
        """Answer for jobs whose backoff type is not built in; the built-in one has no cap."""
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
    """Close ``worker`` in order, or by force: its own closing waits for as long as a job takes."""
    closing = asyncio.create_task(worker.close())
    await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
    if not closing.done():
        await worker.close(force=True)
    await closing
