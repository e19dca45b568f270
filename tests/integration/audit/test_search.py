"""Records are found by object, actor, action and time, and exported for people and programs."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from groat.kernel import ids
from tests.support.pages import pages
from tests.support.sealing import fill
from tests.support.world import OPERATOR, World


@pytest.fixture
async def everything(lived_in: World) -> list[dict[str, Any]]:
    return await pages(lived_in.api, "/v1/audit-records")


async def test_records_are_found_by_each_of_their_parts(
    lived_in: World, everything: list[dict[str, Any]]
) -> None:
    for name in ("object", "action", "actor"):
        for value in {record[name] for record in everything}:
            found = await pages(lived_in.api, "/v1/audit-records", **{name: value})
            assert found == [record for record in everything if record[name] == value]
            assert found


async def test_records_are_found_by_their_time(
    lived_in: World, everything: list[dict[str, Any]]
) -> None:
    times = sorted({record["recorded_at"] for record in everything})
    since, until = times[len(times) // 4], times[-len(times) // 4]
    found = await pages(lived_in.api, "/v1/audit-records", since=since, until=until)
    assert found == [one for one in everything if since <= one["recorded_at"] < until]
    later = (datetime.fromisoformat(times[-1]) + timedelta(days=1)).isoformat()
    assert await pages(lived_in.api, "/v1/audit-records", since=later) == []


async def test_a_text_in_the_data_is_not_taken_for_an_actor(world: World) -> None:
    forged = '","actor":"key_forged","cause":"'
    credentials = {"api_key": "sk_test"}
    await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id), "stripe", forged, credentials
    )
    assert (await pages(world.api, "/v1/audit-records"))[0]["data"]["name"] == forged
    assert await pages(world.api, "/v1/audit-records", actor="key_forged") == []


async def test_an_export_holds_every_record_in_both_formats(
    lived_in: World, everything: list[dict[str, Any]]
) -> None:
    merchant = ids.render_merchant(lived_in.merchant_id)
    lines = await lived_in.groat("audit", "export", merchant)
    assert [json.loads(line) for line in lines.stdout.splitlines()] == everything
    table = await lived_in.groat("audit", "export", merchant, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert [row["id"] for row in rows] == [record["id"] for record in everything]
    assert [json.loads(row["data"]) for row in rows] == [one["data"] for one in everything]


async def test_an_export_is_filtered_and_reads_many_pages(world: World) -> None:
    await fill(world, 2_500)
    merchant = ids.render_merchant(world.merchant_id)
    line = (
        "audit",
        "export",
        merchant,
        "--action",
        "audit_key.retired",
        "--actor",
        "operator:test",
    )
    done = await world.groat(*line, "--since", "2020-01-01T00:00:00Z")
    numbers = [json.loads(one)["data"]["n"] for one in done.stdout.splitlines()]
    assert sorted(numbers) == list(range(2_500))
    none = await world.groat(*line, "--until", "2020-01-01T00:00:00Z")
    assert (none.returncode, none.stdout) == (0, "")
