"""The log of a command: warnings and errors on standard error, its result on standard output."""

from __future__ import annotations

import sys

import structlog


def configure_command_log() -> None:
    """Send warnings and errors to standard error. A process that serves configures its own log."""
    structlog.configure(
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
    )
