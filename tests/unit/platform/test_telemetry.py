from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from groat.platform.process.settings import Settings
from groat.platform.process.telemetry import configure_logging

FORMATS: list[Literal["text", "json"]] = ["text", "json"]
CONTROL = "\n\r\t\x00\x1b[2K\x7f\x85\u2028\u2029"


@pytest.fixture(autouse=True)
def logging_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _configure(log_format: Literal["text", "json"], *, debug: bool = False) -> None:
    level: Literal["debug", "info"] = "debug" if debug else "info"
    configure_logging(Settings(log_format=log_format, log_level=level), "api")


def _log_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.removesuffix("\n").split("\n")


@pytest.mark.parametrize("log_format", FORMATS)
def test_no_value_can_forge_a_log_line(
    capsys: pytest.CaptureFixture[str], log_format: Literal["text", "json"]
) -> None:
    _configure(log_format)
    structlog.get_logger().info("said", what=f'a{CONTROL}level=error event="forged"')
    logging.getLogger("library").warning("heard %s", f"b{CONTROL}event=forged")
    lines = _log_lines(capsys)
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_half_a_surrogate_pair_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("text")
    structlog.get_logger().info("said", what="\ud800")
    assert "what=\\ud800" in _log_lines(capsys)[0]


def test_a_json_line_has_the_process_and_the_context(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("json")
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger().info("said", amount=5)
        logging.getLogger("library").error("heard")
    ours, theirs = map(json.loads, _log_lines(capsys))
    assert (
        ours.items()
        >= {
            "event": "said",
            "amount": 5,
            "level": "info",
            "process": "api",
            "request_id": "req_1",
        }.items()
    )
    assert theirs.items() >= {"event": "heard", "level": "error", "request_id": "req_1"}.items()
    assert ours["timestamp"].endswith("Z")


def test_a_text_line_begins_with_time_level_and_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _configure("text")
    structlog.get_logger().info("said", amount=5)
    words = _log_lines(capsys)[0].split(" ")
    assert words[0].startswith("timestamp=")
    assert words[1:3] == ["level=info", "event=said"]
    assert set(words[3:]) == {"amount=5", "process=api"}


@pytest.mark.parametrize("log_format", FORMATS)
def test_an_exception_is_one_line(
    capsys: pytest.CaptureFixture[str], log_format: Literal["text", "json"]
) -> None:
    _configure(log_format)
    try:
        int("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = _log_lines(capsys)
    assert "builtins.ValueError" in line


def test_lines_below_the_level_and_chatter_are_omitted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _configure("text")
    structlog.get_logger().debug("whispered")
    logging.getLogger("httpx").info("chatted")
    logging.getLogger("library").debug("whispered")
    assert capsys.readouterr().err == ""


def test_debug_lines_appear_at_level_debug(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("text", debug=True)
    structlog.get_logger().debug("whispered")
    assert "event=whispered" in capsys.readouterr().err
