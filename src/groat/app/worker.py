"""``groat worker``: apply webhooks, look up operations, read movements, seal records, send events.

It also purges old idempotency keys. A job in Redis rings the worker as soon as an event arrives.
Polling finds all due work without it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping

import structlog

from groat.accounts.service.balance_events import MOST_BALANCES
from groat.app.metrics_port import metrics_port
from groat.app.supervision import exit_with_parent
from groat.app.wiring import EVENTS_QUEUE, INBOX_QUEUE, Engine, open_engine
from groat.inbox.service.drain import FULL_BATCH
from groat.notifications.service.sequencer import MOST_EVENTS
from groat.platform.postgres.heartbeat import heartbeat
from groat.platform.process.cancellation import cancel_all
from groat.platform.process.due_work import DueWork
from groat.platform.process.memory import settle_memory
from groat.platform.process.settings import Settings
from groat.platform.redis.jobs import Handler, JobWorker

_log = structlog.get_logger(__name__)

_PURGE_SECONDS = 600.0
"""Seconds between purges of idempotency keys, and of events of the feed."""


async def run_worker(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM, then finish the batches in progress and return."""
    async with (
        open_engine(settings) as engine,
        exit_with_parent(),
        heartbeat(engine.database, "worker"),
        metrics_port(engine.database, engine.health, settings.metrics_host, settings.metrics_port),
    ):
        works = list(_works(engine, settings))
        inbox, feed, *_ = works
        engine.events_bell.answer = feed.try_drain
        tasks = [asyncio.create_task(work.poll()) for work in works]
        if settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            for queue, work in ((INBOX_QUEUE, inbox), (EVENTS_QUEUE, feed)):
                tasks.append(asyncio.create_task(JobWorker(url, queue, _answer(work)).run()))
        settle_memory()
        _log.info("worker_started", redis=settings.redis_url is not None)
        await _stop_signal()
        engine.health.stopping = True
        await asyncio.gather(*(work.stop() for work in works))
        await engine.sender.quiet()
        await engine.drain.finish()
        await cancel_all(tasks)
    _log.info("worker_stopped")


def _works(engine: Engine, settings: Settings) -> Iterator[DueWork]:
    """Yield the work of a worker; first the inbox and the feed, for which jobs ring."""
    seconds, sender = settings.poll_seconds, engine.sender
    drain, place = engine.drain.drain_batch, engine.sequencer.place_batch
    yield DueWork("inbox", drain, poll_seconds=seconds, full_batch=FULL_BATCH)
    yield DueWork("feed", place, poll_seconds=seconds, full_batch=MOST_EVENTS)
    yield DueWork("deliveries", sender.send_batch, poll_seconds=seconds, wanted=sender.wanted)
    balances = engine.balance_events.tell_batch
    yield DueWork("balances", balances, poll_seconds=seconds, full_batch=MOST_BALANCES)
    for name, drain_batch, poll_seconds in (
        ("suspects", engine.drain.take_suspect, seconds),
        ("holds", engine.transfers.expire_holds, seconds),
        ("operations", engine.recovery.recover_batch, seconds),
        ("idempotency keys", engine.answers.purge_batch, _PURGE_SECONDS),
        ("retention", engine.retention.purge_batch, _PURGE_SECONDS),
        ("sealing", engine.sealer.seal_batch, seconds),
        ("movements", engine.movement_feeds.read_batch, seconds),
        ("publishing", engine.publisher.publish_all, settings.audit_publish_seconds),
    ):
        yield DueWork(name, drain_batch, poll_seconds=poll_seconds)


def _answer(work: DueWork) -> Handler:
    """Return the handler of the jobs that ring for ``work``."""

    async def answer_bell(_name: str, _data: Mapping[str, object]) -> None:
        await work.drain()

    return answer_bell


async def _stop_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
