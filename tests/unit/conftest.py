"""Unit tests do no I/O: a test that opens a connection or starts a process fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

_FORBIDDEN = {"socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"}
_watched: list[str] = []


def _refuse(event: str, _: object) -> None:
    if event in _FORBIDDEN and _watched:
        _watched.append(event)
        raise AssertionError(f"a unit test does no I/O, but: {event}")


sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def _no_io(request: pytest.FixtureRequest) -> Iterator[None]:
    _watched[:] = [request.node.nodeid]
    yield
    done, _watched[:] = _watched[1:], []
    assert not done
