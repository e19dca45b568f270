"""Answers of endpoints: in order, cut, broken off, without a length, or no HTTP at all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from groat.notifications.infrastructure.connector import Connector

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@asynccontextmanager
async def endpoint(
    *answers: bytes, close: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve these bytes, one answer for each request; yield the URL and the heads that arrived."""
    heads: list[bytes] = []
    waiting = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while waiting:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(2)
            heads.append(head)
            writer.write(waiting.pop(0))
            if close:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b", heads


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", 200, b""),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"hi"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK, 200, b"hi"),
        (b"HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 500, b"no"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n" + b"x" * 99999, 200, b"x" * 500),
    ],
)
async def test_an_answer_is_read(answer: bytes, status: int, body: bytes) -> None:
    async with endpoint(answer) as (url, heads), Connector(allow_private=True) as connector:
        reply = await connector.post(url, {"webhook-id": "evt_1"}, b"{}")
    assert (reply.status_code, reply.answer, reply.error) == (status, body, None)
    assert heads[0].startswith(b"POST /hook?a=b HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\nwebhook-id: evt_1\r\n" in heads[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n",
    ],
)
async def test_a_broken_answer_is_an_error(answer: bytes) -> None:
    async with endpoint(answer) as (url, _), Connector(allow_private=True) as connector:
        reply = await connector.post(url, {}, b"{}")
    assert reply.status_code is None
    assert reply.error is not None
    assert reply.error.startswith("no answer: ")


async def test_a_connection_is_used_again_after_an_answer_in_order() -> None:
    answers = (OK, OK, OK)
    async with (
        endpoint(*answers, close=False) as (url, heads),
        Connector(allow_private=True) as connector,
    ):
        for _ in answers:
            assert (await connector.post(url, {}, b"{}")).succeeded
        assert len(heads) == len(answers)


async def test_more_bytes_after_an_answer_close_the_connection() -> None:
    """The second answer was not asked for: it must not be taken for that of the next event."""
    async with endpoint(OK + OK, OK) as (url, heads), Connector(allow_private=True) as connector:
        for _ in range(2):
            assert (await connector.post(url, {}, b"{}")).succeeded
        assert len(heads) == 2


def self_signed(place: Path) -> ssl.SSLContext:
    """Return the server's side of TLS with a certificate that no authority signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = place / "server.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_without_an_authority_is_refused(tmp_path: Path) -> None:
    async with (
        endpoint(OK, tls=self_signed(tmp_path)) as (url, heads),
        Connector(allow_private=True) as connector,
    ):
        reply = await connector.post(url.replace("http://", "https://"), {}, b"{}")
    assert reply.error is not None
    assert "CERTIFICATE_VERIFY_FAILED" in reply.error
    assert heads == []
