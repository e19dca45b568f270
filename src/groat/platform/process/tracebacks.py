"""Describes exceptions for the log by their frames and names, and never by their messages.

The message of an exception repeats data: PostgreSQL's repeats a whole row, an adapter's its
credentials, a decoder's the body. So the log has frames and names only, and the codes of Groat's
errors, of PostgreSQL's errors and of the operating system's errors.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import TypeAlias

import psycopg

from groat.kernel.errors import GroatError

ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

_MOST_IN_CHAIN = 10


def describe(exc_info: ExceptionInfo) -> str:
    """Return the frames and the name of an exception, after those of its causes."""
    return "\n".join(_lines(exc_info[1]))


def _lines(error: BaseException) -> list[str]:
    chain = [error]
    while (cause := _cause(chain[-1])) is not None and len(chain) < _MOST_IN_CHAIN:
        chain.append(cause)
    lines = []
    for link in reversed(chain):
        lines += [frame.rstrip() for frame in traceback.format_tb(link.__traceback__)]
        lines.append(name_of(link))
        if isinstance(link, BaseExceptionGroup):
            for inner in link.exceptions[:_MOST_IN_CHAIN]:
                lines += [f"  {line}" for line in _lines(inner)]
    return lines


def _cause(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__


def name_of(error: BaseException) -> str:
    """Return the name of an exception with its code, without its message."""
    kind = type(error)
    words = [f"{kind.__module__}.{kind.__qualname__}"]
    if isinstance(error, GroatError):
        words.append(f"code={error.code}")
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        words.append(f"sqlstate={error.sqlstate}")
    if isinstance(error, OSError) and error.errno is not None:
        words.append(f"errno={error.errno}")
    return " ".join(words)
