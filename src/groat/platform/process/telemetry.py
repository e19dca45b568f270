"""Structured logs: one event on a line, with the request id on every line of a request."""

from __future__ import annotations

import logging
import re
import sys

import structlog

from groat.platform.process.settings import Settings
from groat.platform.process.tracebacks import describe

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_logfmt = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])


def configure_logging(settings: Settings, process: str) -> None:
    """Send structlog and the standard library's logging to standard error in one format.

    Both renderers escape control characters in values, so that a value cannot forge a log line. The
    messages of exceptions are left out, because they may contain secrets.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else _render_text
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _first_line],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(describe),
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for noisy in ("httpx", "httpcore", "stripe", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def _first_line(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep the first line of a library's message: asyncio repeats the exception on the others."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _render_text(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> str:
    """Return a line of logfmt. Its renderer escapes newlines, and this function the other controls.

    An unescaped control character could forge a log line.
    """
    line = _logfmt(logger, name, event)
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), line)
