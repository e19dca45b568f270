"""Whom this process looks up or connects to: by Python's own audit, which no client gets around.

PostgreSQL's library has sockets of its own, which are not seen; it knows one address.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_recording: list[set[str]] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        _note(arguments[1])
    elif event == "socket.getaddrinfo":
        _note(arguments[:2])


def _note(address: object) -> None:
    place = address if isinstance(address, str) else _host_and_port(address)
    for reached in _recording:
        reached.add(place)


def _host_and_port(address: object) -> str:
    assert isinstance(address, tuple), address
    host, port = address[:2]
    return f"{host.decode() if isinstance(host, bytes) else host}:{port}"


sys.addaudithook(_audit)  # for ever: there is no taking it back


@contextmanager
def connections() -> Iterator[set[str]]:
    """Yield what fills with the ``host:port`` of every address that is asked for or called."""
    reached: set[str] = set()
    _recording.append(reached)
    try:
        yield reached
    finally:
        _recording.remove(reached)
