from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from groat.simulator.idempotency import KeptAnswers, KeyInUseError, KeyReusedError
from groat.simulator.wire import Answer
from tests.support.clock import ManualClock


class Work:
    """Counts how often it is done, and waits for ``gate`` before it answers."""

    def __init__(self) -> None:
        self.done = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Answer:
        self.done += 1
        await self.gate.wait()
        return Answer(200, str(self.done).encode())


@pytest.fixture
def kept(clock: ManualClock) -> KeptAnswers:
    return KeptAnswers(clock, timedelta(hours=24))


async def test_a_repeated_request_gets_the_first_answer(kept: KeptAnswers) -> None:
    work = Work()
    assert await kept.once("k", "same", work) == Answer(200, b"1")
    assert await kept.once("k", "same", work) == Answer(200, b"1", replayed=True)
    assert work.done == 1


async def test_a_key_belongs_to_one_request(kept: KeptAnswers) -> None:
    work = Work()
    await kept.once("k", "same", work)
    with pytest.raises(KeyReusedError):
        await kept.once("k", "other", work)
    assert work.done == 1


async def test_a_key_is_in_use_until_the_answer(kept: KeptAnswers) -> None:
    work = Work()
    work.gate.clear()
    first = asyncio.create_task(kept.once("k", "same", work))
    await asyncio.sleep(0)
    with pytest.raises(KeyInUseError):
        await kept.once("k", "same", work)
    work.gate.set()
    assert await first == Answer(200, b"1")


async def test_a_request_refused_before_it_began_is_not_stored(kept: KeptAnswers) -> None:
    async def refuse() -> Answer:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        await kept.once("k", "same", refuse)
    assert await kept.once("k", "other", Work()) == Answer(200, b"1")


async def test_stored_answers_expire(kept: KeptAnswers, clock: ManualClock) -> None:
    work = Work()
    await kept.once("old", "same", work)
    clock.advance(timedelta(hours=23))
    await kept.once("young", "same", work)
    clock.advance(timedelta(hours=1))
    assert not (await kept.once("old", "same", work)).replayed
    assert (await kept.once("young", "same", work)).replayed
