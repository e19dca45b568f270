"""Times that callers send: read as RFC 3339 and as nothing else, bounded, and always readable."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.bank import Bank
from tests.support.pages import pages

NO_TIMES = [
    "20261128",
    "1764368589",
    "2026-11-28",
    "2026-11-28T10:00:00",
    "2026-11-28 10:00:00Z",
    "2026-11-28T10:00Z",
    "2026-11-28T24:00:00Z",
    "2026-02-30T10:00:00Z",
    "2026-W48-6T10:00:00Z",
    "2026-11-28T10:00:00+0200",
    "2026-11-28T10:00:00,5Z",
    "2026-11-28T10:00:00Z ",
    "\u0662\u0660\u0662\u0666-11-28T10:00:00Z",  # Arabic digits
    "now",
    "",
]
OUT_OF_BOUNDS = [
    "0001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+00:01",
    "3000-01-01T00:00:00Z",
    "2999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:59-00:01",
    "10000-01-01T00:00:00Z",
]
BOUNDS = ["1970-01-01T00:00:00Z", "2999-12-31T23:59:59.999999Z", "3000-01-01T00:30:00+01:00"]


@pytest.mark.parametrize("text", [*NO_TIMES, *OUT_OF_BOUNDS])
async def test_an_invalid_time_is_refused_in_every_place(shared_bank: Bank, text: str) -> None:
    before = await shared_bank.world.counts()
    api, account = shared_bank.world.api, f"/v1/accounts/{shared_bank.alice}"
    answers = [
        await shared_bank.transfer(effective_at=text),
        await shared_bank.hold(expires_at=text),
        await api.get(f"{account}/balance", params={"at": text}),
        await api.get(f"{account}/entries", params={"since": text}),
        await api.get(f"{account}/entries", params={"until": text}),
        await api.get("/v1/provider-events", params={"received_from": text}),
        await api.post("/v1/provider-events/replay", json={"received_before": text}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
        assert "RFC 3339" in answer.json()["errors"][0]["detail"]
    assert await shared_bank.world.counts() == before


@pytest.mark.parametrize("text", BOUNDS)
async def test_times_at_the_bounds_can_be_stored_and_read(bank: Bank, text: str) -> None:
    await bank.fill(bank.alice, 1000, effective_at=text)
    [line] = await pages(bank.world.api, f"/v1/accounts/{bank.alice}/entries")
    at = (
        await bank.world.api.get(f"/v1/accounts/{bank.alice}/balance", params={"at": text})
    ).json()
    assert line["effective_at"] == at["at"]
    placed = await bank.hold(expires_at=text)
    if text.startswith("1970"):
        assert placed.json()["code"] == "expires_in_past"
        return
    [held] = await pages(bank.world.api, f"/v1/accounts/{bank.alice}/holds")
    assert held == placed.json()
    released = await bank.world.ask(f"holds/{held['id']}/release")
    assert (released.status_code, released.json()["state"]) == (200, "released")


async def test_one_bad_item_never_fails_its_neighbours(bank: Bank) -> None:
    """A bulk says of each item whether it is posted; only a linked one is refused as a whole."""
    await bank.fill(bank.alice, 1000)
    good, bad = bank.order(), bank.order(amount=0)
    same = bank.order(credit_account=bank.alice)
    unnamed = bank.order(reference="groat:mine")
    items = [good, bad, same, unnamed, bank.order()]
    answer = await bank.world.ask("transfers/bulk", {"transfers": items})
    assert answer.status_code == 200, answer.text
    results = answer.json()["data"]
    assert [one["status"] for one in results] == ["posted", *["refused"] * 3, "posted"]
    assert [one["error"]["code"] for one in results[1:4]] == [
        "amount_not_positive",
        "same_account",
        "invalid_reference",
    ]
    assert [one["reference"] for one in results] == [one["reference"] for one in items]


async def test_an_unreadable_row_fails_only_its_own_request(bank: Bank) -> None:
    """Planted past every wall: a hold whose time no client of PostgreSQL can read."""
    await bank.fill(bank.alice, 1000)
    poisoned = (await bank.hold()).json()
    await bank.world.rows("alter table hold drop constraint if exists hold_expires_at_check")
    await bank.world.tamper("update hold set expires_at = 'infinity'")
    asked = [bank.world.ask(f"holds/{poisoned['id']}/release") for _ in range(3)]
    answers = await asyncio.gather(*[bank.transfer() for _ in range(5)], *asked)
    assert [one.status_code for one in answers[:5]] == [201] * 5, [one.text for one in answers]


async def test_the_same_moment_in_another_offset_is_the_same_request(bank: Bank) -> None:
    await bank.fill(bank.alice, 1000)
    order = bank.order(effective_at="2026-11-28T12:00:00+02:00")
    first = await bank.transfer(**order)
    again = await bank.transfer(**{**order, "effective_at": "2026-11-28T10:00:00.000Z"})
    assert (again.status_code, again.json()) == (201, first.json())
    held = bank_hold = (await bank.hold(expires_at="2100-01-01T00:00:00+05:30")).json()
    same = await bank.hold(reference=held["reference"], expires_at="2099-12-31T18:30:00Z")
    assert same.json() == bank_hold


@pytest.mark.parametrize(
    "line",
    [
        ("--since", "20261128"),
        ("--since", "2026-11-28T10:00:00"),
        ("--until", "1764368589"),
        ("--until", "9999-12-31T23:59:59-00:01"),
        ("--since", "0001-01-01"),
        ("--since", "\u0662h"),
    ],
    ids=str,
)
async def test_the_command_line_reads_times_as_strictly(
    shared_bank: Bank, line: tuple[str, str]
) -> None:
    refused = await shared_bank.world.groat(
        "inbox", "list", "mer_01h455vb4pex5vsknk084sn02q", *line
    )
    assert refused.returncode == 2
    assert "2026-01-31" in refused.stderr


OFFSETS = ["+00:00", "+02:00", "-03:30", "+14:00", "-12:00"]


@pytest.mark.parametrize("offset", OFFSETS)
async def test_a_hold_keeps_and_shows_its_exact_expiry(bank: Bank, offset: str) -> None:
    await bank.fill(bank.alice, 1000)
    hold: dict[str, Any] = (await bank.hold(expires_at=f"2100-01-01T12:00:00{offset}")).json()
    [row] = await bank.world.rows(
        f"select expires_at = '2100-01-01T12:00:00{offset}'::timestamptz from hold"  # noqa: S608
    )
    assert row == (True,)
    assert hold["expires_at"].endswith("Z")
