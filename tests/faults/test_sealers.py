"""Workers that seal are killed at every step; the log stays one tree and goes on growing."""

from __future__ import annotations

import asyncio
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.audit.service.verification import LogOptions
from tests.faults.fleet import Fleet
from tests.faults.ground import Ground
from tests.support.world import OPERATOR

ORIGIN = "example.com/faults"
UNSEALED: LiteralString = """
    select count(*) from audit_record where id not in (select record_id from audit_leaf)
"""
NEWEST_IS_SEALED: LiteralString = """
    select (select record_id from audit_leaf order by place desc limit 1)
        = (select id from audit_record order by id desc limit 1)
"""
WAITS: LiteralString = "select count(*) from pg_locks where not granted and locktype = 'advisory'"
STEPS = ("insert on audit_leaf", "insert on audit_checkpoint", "update on audit_log")
ROUNDS = 6

_STOP = """
    create or replace function stop() returns trigger language plpgsql as $$ begin
        perform pg_advisory_xact_lock(40); return new;
    end $$;
    create or replace trigger stop before {} for each row execute function stop()
"""


@pytest.fixture
async def named(ground: Ground) -> Ground:
    """A ground whose log has a key, and 40 records that wait to be sealed."""
    async with open_engine(ground.settings) as engine:
        await engine.audit_keys.init(OPERATOR, ORIGIN)
        for _ in range(40):
            await engine.merchants.create(OPERATOR, "One more")
    return ground


async def assert_one_log(ground: Ground) -> None:
    options = LogOptions(full=True)
    findings = await asyncio.to_thread(verify, ground.settings, lambda _: None, options)
    assert {one.name: one.detail for one in findings if not one.ok} == {}


@pytest.mark.parametrize("step", STEPS)
async def test_a_sealer_killed_at_this_step_leaves_a_log_that_continues(
    fleet: Fleet, named: Ground, step: LiteralString
) -> None:
    """The worker dies while its statement waits; whatever it wrote is there as a whole or not."""
    await named.rows(sql.SQL(_STOP).format(sql.SQL(step)).as_string())
    with psycopg.connect(named.database_url) as gate:
        gate.execute("select pg_advisory_xact_lock(40)")
        worker = await fleet.start("worker", named.told())
        await named.until(WAITS, 1)
        await fleet.kill(worker)
        assert await named.rows("select count(*) from audit_leaf") == [(0,)]
    await fleet.start("worker", named.told())
    await named.until(UNSEALED, 0)
    await assert_one_log(named)


async def test_workers_that_die_all_the_time_make_one_log(fleet: Fleet, named: Ground) -> None:
    """Two workers seal while records are written; one after the other is killed and replaced."""
    for _ in range(2):
        await fleet.start("worker", named.told(GROAT_POLL_SECONDS="0.05"))
    async with open_engine(named.settings) as engine:
        for _ in range(ROUNDS):
            for _ in range(10):
                await engine.merchants.create(OPERATOR, "One more")
            await named.until(NEWEST_IS_SEALED, True)
            await fleet.replace(fleet.called("worker")[0])
    await named.until(UNSEALED, 0)
    await assert_one_log(named)
