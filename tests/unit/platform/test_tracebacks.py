from __future__ import annotations

import psycopg
import pytest

from groat.kernel.errors import Conflict
from groat.platform.process.tracebacks import describe

SECRET = "hunter2"


def _described(error: BaseException) -> str:
    try:
        raise error  # noqa: TRY301 - for its frame
    except BaseException as raised:  # noqa: BLE001 - a group, too
        return describe((type(raised), raised, raised.__traceback__))


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError(SECRET), "builtins.ValueError"),
        (Conflict("taken", SECRET), "groat.kernel.errors.Conflict code=taken"),
        (OSError(2, SECRET, SECRET), "builtins.FileNotFoundError errno=2"),
        (psycopg.errors.UniqueViolation(SECRET), "psycopg.errors.UniqueViolation sqlstate=23505"),
        (SystemExit(SECRET), "builtins.SystemExit"),
    ],
)
def test_an_exception_is_named_with_its_code_and_without_its_message(
    error: BaseException, name: str
) -> None:
    described = _described(error)
    assert described.endswith(name)
    assert "in _described" in described
    assert SECRET not in described


def _chained(*, cause: BaseException | None, context: BaseException | None) -> str:
    error = ValueError(SECRET)
    error.__context__ = context
    if cause is not None:
        error.__cause__ = cause
    return describe((ValueError, error, None))


def test_the_cause_or_context_of_an_exception_comes_first() -> None:
    both = "builtins.KeyError\nbuiltins.ValueError"
    assert _chained(cause=KeyError(SECRET), context=OSError(SECRET)) == both
    assert _chained(cause=None, context=KeyError(SECRET)) == both


def test_a_suppressed_context_is_not_named() -> None:
    error = ValueError(SECRET)
    error.__context__, error.__suppress_context__ = KeyError(SECRET), True
    assert describe((ValueError, error, None)) == "builtins.ValueError"


def test_each_exception_of_a_group_is_named() -> None:
    error = ExceptionGroup(SECRET, [ValueError(SECRET), ExceptionGroup(SECRET, [KeyError(SECRET)])])
    error.add_note(SECRET)
    described = _described(error)
    for name in ("ExceptionGroup", "  builtins.ValueError", "    builtins.KeyError"):
        assert name in described
    assert SECRET not in described


def test_a_chain_without_an_end_is_cut() -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    assert _described(first).count("builtins.ValueError") == 5
