"""``groat worker``: apply webhooks, look up operations, read movements, seal records, send events.

It also purges old idempotency keys. A job in Redis rings the worker as soon as an event arrives.
Polling finds all due work without it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping

import structlog

from groat.app.metrics_port import metrics_port
from groat.app.supervision import exit_with_parent
from groat.app.wiring import EVENTS_QUEUE, INBOX_QUEUE, open_engine
from groat.inbox.service.drain import FULL_BATCH
from groat.notifications.service.sequencer import MOST_EVENTS
from groat.platform.postgres.heartbeat import heartbeat
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
        poll_seconds = settings.poll_seconds
        inbox = DueWork(
            "inbox", engine.drain.drain_batch, poll_seconds=poll_seconds, full_batch=FULL_BATCH
        )
        feed = DueWork(
            "feed", engine.sequencer.place_batch, poll_seconds=poll_seconds, full_batch=MOST_EVENTS
        )
        engine.events_bell.answer = feed.try_drain
        others = [
            DueWork(name, drain_batch, poll_seconds=seconds)
            for name, drain_batch, seconds in (
                ("suspects", engine.drain.take_suspect, poll_seconds),
                ("holds", engine.transfers.expire_holds, poll_seconds),
                ("operations", engine.recovery.recover_batch, poll_seconds),
                ("idempotency keys", engine.answers.purge_batch, _PURGE_SECONDS),
                ("retention", engine.retention.purge_batch, _PURGE_SECONDS),
                ("sealing", engine.sealer.seal_batch, poll_seconds),
                ("movements", engine.movement_feeds.read_batch, poll_seconds),
                ("publishing", engine.publisher.publish_all, settings.audit_publish_seconds),
            )
        ]

        works = (inbox, feed, *others)
        tasks = [asyncio.create_task(work.poll()) for work in works]
        tasks.append(asyncio.create_task(engine.sender.run(poll_seconds)))
        if settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            for queue, work in ((INBOX_QUEUE, inbox), (EVENTS_QUEUE, feed)):
                tasks.append(asyncio.create_task(JobWorker(url, queue, _answer(work)).run()))
        settle_memory()
        _log.info("worker_started", redis=settings.redis_url is not None)
        await _stop_signal()
        engine.health.stopping = True
        await asyncio.gather(engine.sender.stop(), *(work.stop() for work in works))
        await engine.drain.finish()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    _log.info("worker_stopped")


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
