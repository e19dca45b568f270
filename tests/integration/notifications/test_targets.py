"""No webhook reaches an address that is not public: no connection is opened, at save or at send."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from groat.kernel.errors import InvalidRequest
from groat.notifications.infrastructure.connector import Connector
from groat.platform.embedded.places import free_port
from tests.support.http_servers import until
from tests.support.processes import running
from tests.support.webhook_receiver import Receiver, add_endpoint, send_all
from tests.support.world import World

LITERAL = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "0"),
    *("10.1.2.3", "172.31.0.1", "192.168.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166"),
    *(
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "255.255.255.255",
        "224.0.0.1",
        "localhost",
    ),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]"),
    *("[64:ff9b:1::7f00:1]", "[fe80::1]", "[fd00:ec2::254]", "[2002:7f00:1::]", "[::127.0.0.1]"),
]
"""Hosts that are addresses in any notation, or names of this machine."""

CORPUS = [
    *(f"https://{host}/hook" for host in LITERAL),
    *(f"https://{host}:8443/hook" for host in LITERAL[:3]),
    *("https://user@127.0.0.1/", "https://example.com@127.0.0.1/", "http://127.0.0.1/"),
    *("https://127.0.0.1#@example.com/", "https://127.0.0.1\\@example.com/"),
]

_connected: list[Any] | None = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _connected is not None:
        _connected.append(arguments[1])


sys.addaudithook(_note)


@pytest.fixture
async def connections() -> AsyncIterator[list[Any]]:
    """The addresses to which this process opens connections during the test, PostgreSQL's aside."""
    global _connected  # noqa: PLW0603 - an audit hook cannot be removed
    _connected = []
    yield _connected
    _connected = None


def answering(*answers: Sequence[str]) -> tuple[Any, list[str]]:
    """Return a resolver that gives one answer after the other, and the names it was asked."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


async def test_the_audit_hook_sees_connections(connections: list[Any], receiver: Receiver) -> None:
    async with Connector(allow_private=True) as connector:
        reply = await connector.post(receiver.url, {}, b"{}")
    assert reply.succeeded
    assert [address[0] for address in connections] == ["127.0.0.1"]


@pytest.mark.parametrize("url", CORPUS)
async def test_private_targets_are_refused_without_a_connection(
    connections: list[Any], url: str
) -> None:
    async with Connector(allow_private=False) as connector:
        with pytest.raises(InvalidRequest) as refused:
            await connector.require_public(url)
        assert refused.value.code == "invalid_webhook_url"
        reply = await connector.post(url, {}, b"{}")
    assert reply.status_code is None
    assert reply.error is not None
    assert connections == []


@pytest.mark.parametrize(
    "answer", [["10.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], []]
)
async def test_a_name_with_an_address_that_is_not_public_is_refused(
    connections: list[Any], answer: list[str]
) -> None:
    resolve, _ = answering(answer)
    async with Connector(allow_private=False, resolve=resolve) as connector:
        reply = await connector.post("https://example.com/", {}, b"{}")
    assert reply.status_code is None
    assert connections == []


async def test_a_resolver_that_changes_its_answer_gains_nothing(connections: list[Any]) -> None:
    """The name is public when the URL is saved, and private when the event is sent."""
    resolve, asked = answering(["93.184.215.14"], ["127.0.0.1"])
    async with Connector(allow_private=False, resolve=resolve) as connector:
        await connector.require_public("https://example.com/")
        reply = await connector.post("https://example.com/", {}, b"{}")
    assert reply.error == ("The URL cannot be used: example.com has an address that is not public.")
    assert asked == ["example.com"] * 2
    assert connections == []


async def test_a_name_is_resolved_once_for_a_connection(
    connections: list[Any], receiver: Receiver
) -> None:
    """The connection goes to the address that was checked, whatever the name means by then."""
    resolve, asked = answering(["127.0.0.1"], ["127.0.0.2"])
    url = receiver.url.replace("127.0.0.1", "example.com")
    async with Connector(allow_private=True, resolve=resolve) as connector:
        for _ in range(2):
            assert (await connector.post(url, {}, b"{}")).succeeded
    assert asked == ["example.com"]
    assert [address[0] for address in connections] == ["127.0.0.1"]


async def test_a_redirection_is_not_followed(connections: list[Any], receiver: Receiver) -> None:
    receiver.answers = [Response(status_code=302, headers={"location": "http://127.0.0.2/"})]
    async with Connector(allow_private=True) as connector:
        reply = await connector.post(receiver.url, {}, b"{}")
    assert (reply.status_code, reply.succeeded) == (302, False)
    assert [address[0] for address in connections] == ["127.0.0.1"]
    assert len(receiver.arrived) == 1


async def test_a_proxy_of_the_environment_is_not_used(
    connections: list[Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.2:9")
    async with Connector(allow_private=True) as connector:
        assert (await connector.post(receiver.url, {}, b"{}")).succeeded
    assert [address[0] for address in connections] == ["127.0.0.1"]


async def test_the_api_refuses_private_targets_unless_the_setting_allows_them(
    world: World, hooked: World, receiver: Receiver
) -> None:
    for body in ({"url": receiver.url}, {"url": "https://127.0.0.1/"}):
        answer = await world.ask("webhook-endpoints", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_webhook_url")
    endpoint = await add_endpoint(hooked, receiver.url)
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    answer = await world.api.patch(path, json={"url": "https://[::1]/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_webhook_url")


async def test_an_endpoint_of_a_private_target_gets_nothing_once_it_is_forbidden(
    world: World, hooked: World, receiver: Receiver
) -> None:
    """A development database moves to production: its endpoints are checked at each attempt."""
    endpoint = await add_endpoint(hooked, receiver.url, "payment.created")
    await world.pay(await world.wallet())
    await send_all(world)
    assert receiver.arrived == []
    path = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    [delivery] = (await world.api.get(path)).json()["data"]
    assert (delivery["status"], delivery["attempts"]) == ("retrying", 1)


@pytest.mark.parametrize("allowed", [False, True])
async def test_the_api_warns_at_start_that_private_targets_are_allowed(
    world: World, tmp_path: Path, *, allowed: bool
) -> None:
    port, log = free_port(), tmp_path / "api.log"
    told = {**world.variables, "GROAT_API_PORT": str(port)}
    told["GROAT_ALLOW_PRIVATE_TARGETS"] = str(allowed)
    with running(world.settings.home, "api", log, **told):
        await until(lambda: listens(port))
    assert ("private_targets_allowed" in log.read_text()) == allowed


def listens(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
