"""Every time that the API takes may have any offset from UTC, and means the same moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeAlias

import pytest

from tests.support.bank import Bank
from tests.support.pages import pages
from tests.support.shared_api import api_document

OFFSETS = [timedelta(hours=2), timedelta(hours=-3, minutes=-30), timedelta(hours=14)]

Ask: TypeAlias = Callable[[Bank, str], Awaitable[object]]
Place: TypeAlias = tuple[str, str, str]
"""A method, a path, and the name of a parameter or of a body's field."""


async def _entries(bank: Bank, **span: str) -> object:
    return await pages(bank.world.api, f"/v1/accounts/{bank.alice}/entries", **span)


async def _balance(bank: Bank, at: str) -> object:
    found = await bank.world.api.get(f"/v1/accounts/{bank.alice}/balance", params={"at": at})
    return found.json()


async def _events(bank: Bank, **span: str) -> object:
    return [one["id"] for one in await pages(bank.world.api, "/v1/provider-events", **span)]


async def _records(bank: Bank, **span: str) -> object:
    return [one["id"] for one in await pages(bank.world.api, "/v1/audit-records", **span)]


async def _listed(bank: Bank, name: str, **span: str) -> object:
    return [one["id"] for one in await pages(bank.world.api, f"/v1/{name}", **span)]


async def _rehearsed(bank: Bank, **span: object) -> object:
    replayed = await bank.world.ask("provider-events/replay", {**span, "dry_run": True})
    return replayed.json()["would_be"]


async def _backfilled(bank: Bank, **span: object) -> object:
    path = f"provider-accounts/{bank.world.stripe.account}/backfill"
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    answer = await bank.world.ask(path, {"since": since, **span, "dry_run": True})
    return answer.status_code, sorted(answer.json()["missing"])


async def _transfer(bank: Bank, at: str) -> object:
    return (await bank.transfer(effective_at=at)).json()["effective_at"]


async def _bulk(bank: Bank, at: str) -> object:
    order = bank.order(effective_at=at)
    await bank.world.ask("transfers/bulk", {"transfers": [order]})
    lines = await pages(bank.world.api, f"/v1/accounts/{bank.alice}/entries")
    return lines[0]["effective_at"]


async def _hold(bank: Bank, at: str) -> object:
    moment = datetime.fromisoformat(at) + timedelta(days=365)
    return (await bank.hold(expires_at=moment.isoformat())).json()["expires_at"]


async def _key(bank: Bank, at: str) -> object:
    moment = datetime.fromisoformat(at) + timedelta(days=30)
    order = {"scopes": ["read"], "expires_at": moment.isoformat()}
    return (await bank.world.ask("api-keys", order)).json()["expires_at"]


async def _recovered(bank: Bank, at: str) -> object:
    made = await bank.world.ask("webhook-endpoints", {"url": "https://1.1.1.1/hook"})
    await bank.world.engine.sequencer.place_batch()
    path = f"webhook-endpoints/{made.json()['id']}/recover"
    return (await bank.world.ask(path, {"since": at, "missing": True})).json()


def _created(name: str) -> dict[Place, Ask]:
    """Return the places of a list that is filtered by time of creation."""
    return {
        ("get", f"/v1/{name}", "created_from"): lambda b, at: _listed(b, name, created_from=at),
        ("get", f"/v1/{name}", "created_before"): lambda b, at: _listed(b, name, created_before=at),
    }


PLACES: dict[Place, Ask] = {
    **_created("payments"),
    **_created("refunds"),
    **_created("disputes"),
    ("get", "/v1/accounts/{account_id}/entries", "since"): lambda b, at: _entries(b, since=at),
    ("get", "/v1/accounts/{account_id}/entries", "until"): lambda b, at: _entries(b, until=at),
    ("get", "/v1/accounts/{account_id}/balance", "at"): _balance,
    ("get", "/v1/audit-records", "since"): lambda b, at: _records(b, since=at),
    ("get", "/v1/audit-records", "until"): lambda b, at: _records(b, until=at),
    ("get", "/v1/provider-events", "received_from"): lambda b, at: _events(b, received_from=at),
    ("get", "/v1/provider-events", "received_before"): lambda b, at: _events(b, received_before=at),
    ("post", "/v1/provider-events/replay", "received_from"): lambda b, at: _rehearsed(
        b, received_from=at
    ),
    ("post", "/v1/provider-events/replay", "received_before"): lambda b, at: _rehearsed(
        b, received_before=at
    ),
    ("post", "/v1/provider-accounts/{account_id}/backfill", "since"): lambda b, at: _backfilled(
        b, since=at
    ),
    ("post", "/v1/provider-accounts/{account_id}/backfill", "until"): lambda b, at: _backfilled(
        b, until=at
    ),
    ("post", "/v1/transfers", "effective_at"): _transfer,
    ("post", "/v1/transfers/bulk", "effective_at"): _bulk,
    ("post", "/v1/holds", "expires_at"): _hold,
    ("post", "/v1/api-keys", "expires_at"): _key,
    ("post", "/v1/webhook-endpoints/{endpoint_id}/recover", "since"): _recovered,
}


def _times(schema: Any, document: dict[str, Any], name: str = "") -> Iterator[str]:
    """Yield the names of the fields below ``schema`` that are times."""
    match schema:
        case {"$ref": str(reference)}:
            yield from _times(document["components"]["schemas"][reference.split("/")[-1]], document)
        case {"format": "date-time"}:
            yield name
        case {"properties": dict(properties)}:
            for field, inner in properties.items():
                yield from _times(inner, document, field)
        case {"items": inner}:
            yield from _times(inner, document, name)
        case {"anyOf": list(several)}:
            for inner in several:
                yield from _times(inner, document, name)
        case _:
            pass


def _places(document: dict[str, Any]) -> Iterator[Place]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                for name in _times(parameter["schema"], document, parameter["name"]):
                    yield method, path, name
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name in _times(content["schema"], document):
                    yield method, path, name


def test_this_file_covers_every_time_parameter() -> None:
    assert set(_places(api_document())) == set(PLACES)


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
async def test_a_time_with_an_offset_means_the_same_moment(bank: Bank, place: Place) -> None:
    """Something happened before it and something after, so that a shifted time shows."""
    ask, world = PLACES[place], bank.world
    await bank.fill(bank.alice, 1000)
    await world.stripe.pull("dispute", await world.pay(bank.alice))
    await world.refund(await world.pay(bank.alice))
    first, *rest = await world.posted_mail()
    await world.deliver(first)
    moment = datetime.now(UTC)
    await bank.fill(bank.alice, 100)
    await world.deliver_all(rest)
    in_utc = await ask(bank, moment.isoformat())
    for offset in OFFSETS:
        elsewhere = moment.astimezone(timezone(offset)).isoformat()
        assert elsewhere != moment.isoformat()
        assert await ask(bank, elsewhere) == in_utc, elsewhere
