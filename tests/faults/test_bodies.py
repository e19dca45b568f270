"""Hostile bodies against a real API process: each gets a 4xx, and the process stays small."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeAlias

import psutil
import pytest

from tests.support.processes import Up, commands_of, new_home, running_up

GROWTH_BYTES_MAX = 50 * 1024 * 1024
GIBIBYTE = 1024**3
MEBIBYTE = 1024**2

Parts: TypeAlias = Iterator[bytes]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def streamed() -> Parts:
    """A gibibyte in chunks of a mebibyte, without an announced length."""
    yield b"transfer-encoding: chunked\r\n\r\n"
    for _ in range(GIBIBYTE // MEBIBYTE):
        yield chunk(b"x" * MEBIBYTE)


def announced() -> Parts:
    """A gibibyte with its length."""
    yield b"content-length: %d\r\n\r\n" % GIBIBYTE
    for _ in range(GIBIBYTE // MEBIBYTE):
        yield b"x" * MEBIBYTE


def crumbs() -> Parts:
    """A million chunks of one byte."""
    yield b"transfer-encoding: chunked\r\n\r\n"
    for _ in range(1000):
        yield chunk(b" ") * 1000
    yield b"0\r\n\r\n"


def bomb() -> Parts:
    """Half a gibibyte of zeros, compressed to half a mebibyte."""
    packed = gzip.compress(bytes(MEBIBYTE)) * 512
    yield b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed


def whole(body: bytes) -> Callable[[], Parts]:
    def parts() -> Parts:
        yield b"content-length: %d\r\n\r\n" % len(body) + body

    return parts


CORPUS: dict[str, Callable[[], Parts]] = {
    "gibibyte_streamed": streamed,
    "gibibyte_announced": announced,
    "chunks_of_one_byte": crumbs,
    "gzip_bomb": bomb,
    "deep_lists": whole(b"[" * 30_000),
    "deep_objects": whole(b'{"a":' * 10_000),
    "very_deep_lists": whole(b"[" * 100_000),
    "endless_number": whole(b'{"amount":' + b"9" * 50_000 + b"}"),
    "million_digits": whole(b'{"amount":' + b"9" * 1_000_000 + b"}"),
    "duplicate_keys": whole(b'{"code":"a","code":"b","currency":"EUR"}'),
    "nan": whole(b'{"code":"a","currency":"EUR","floor":NaN}'),
    "infinity": whole(b'{"code":"a","currency":"EUR","floor":-Infinity}'),
    "bad_utf_8": whole(b'{"code":"\xff\xfe","currency":"EUR"}'),
    "lone_surrogate": whole(b'{"code":"\\ud800","currency":"EUR"}'),
    "nul": whole(b'{"code":"a","currency":"EUR","metadata":{"a":"\\u0000"}}'),
}


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with new_home() as home, running_up(home) as running:
        yield running


def send(up: Up, parts: Parts) -> bytes:
    """Send a POST in parts until the server answers or closes; return what it answered."""
    url = up.api.base_url
    head = (
        f"POST /v1/accounts HTTP/1.1\r\nhost: {url.host}\r\ncontent-type: application/json\r\n"
        f"authorization: {up.api.headers['authorization']}\r\n"
    ).encode()
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head + next(parts))
            for part in parts:
                connection.sendall(part)
        answer = b""
        with suppress(ConnectionResetError):
            while b"}" not in answer and (received := connection.recv(65536)):
                answer += received
    return answer


def resident(up: Up) -> int:
    [api] = commands_of(up.home, "api")
    return int(psutil.Process(api.pid).memory_info().rss)


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_body_gets_a_4xx_and_takes_no_memory(up: Up, name: str) -> None:
    up.api.get("/v1/accounts").raise_for_status()
    before = resident(up)
    answer = send(up, CORPUS[name]())
    assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert resident(up) - before < GROWTH_BYTES_MAX
    problem = json.loads(answer[answer.index(b"{") :])
    assert problem["code"] in {
        "body_too_large", "invalid_json", "invalid_request", "unstorable_text", "invalid_amount"
    }  # fmt: skip
    up.api.get("/v1/accounts").raise_for_status()


def test_a_slow_body_is_refused_while_others_are_served(up: Up) -> None:
    def trickle() -> Parts:
        yield b"content-length: 100\r\n\r\n{"
        for _ in range(50):  # others are served between the bytes
            up.api.get("/v1/accounts").raise_for_status()
            yield b" "

    assert send(up, trickle()).startswith(b"HTTP/1.1 408")
