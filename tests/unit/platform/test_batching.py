from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from groat.kernel.errors import Unavailable
from groat.platform.process.batching import Lane


class Work:
    """Doubles what it is given, once it is let; an item of 0 is refused."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def run(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        self.begun.set()
        await self.go_on.wait()
        if 0 in batch:
            raise ValueError("zero")
        return [2 * item for item in batch]


def _lane(
    work: Work, *, most_in_batch: int = 100, most_waiting: int = 100, most_running: int = 1
) -> Lane[int, int]:
    return Lane(
        work.run,
        most_in_batch=most_in_batch,
        most_waiting=most_waiting,
        most_running=most_running,
    )


async def _submit(lane: Lane[int, int], *items: int) -> list[asyncio.Task[int]]:
    """Submit each item, and return once all are in the lane."""
    tasks = [asyncio.create_task(lane.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def _all(*waiting: Awaitable[int]) -> list[int | BaseException]:
    """Return what each caller got: none of them may wait for ever."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*waiting, return_exceptions=True)


async def test_one_item_is_a_batch_of_one() -> None:
    work = Work()
    work.go_on.set()
    lane = _lane(work)
    assert [await _all(lane.submit(1)), await _all(lane.submit(2))] == [[2], [4]]
    assert work.batches == [[1], [2]]


async def test_items_queued_during_a_batch_are_the_next_batch() -> None:
    work = Work()
    lane = _lane(work)
    first = await _submit(lane, 1)
    await work.begun.wait()
    rest = await _submit(lane, 2, 3, 4)
    work.go_on.set()
    assert await _all(*first, *rest) == [2, 4, 6, 8]
    assert work.batches == [[1], [2, 3, 4]]


async def test_concurrent_batches_are_limited() -> None:
    work = Work()
    lane = _lane(work, most_in_batch=2, most_running=2)
    submitted = []
    for item in range(1, 8):
        submitted += await _submit(lane, item)
        await asyncio.sleep(0)
    assert work.batches == [[1], [2]]
    work.go_on.set()
    assert await _all(*submitted) == [2 * item for item in range(1, 8)]
    assert work.batches == [[1], [2], [3, 4], [5, 6], [7]]


async def test_items_queued_during_a_rest_are_the_next_batch() -> None:
    work = Work()
    work.go_on.set()
    lane = Lane(work.run, most_in_batch=100, most_waiting=100, rest_seconds=0.1)
    assert await _all(lane.submit(1)) == [2]
    for item in (2, 3):
        await asyncio.sleep(0)
        lane.post(item)
    await _all(lane.submit(4))
    assert work.batches == [[1], [2, 3, 4]]


async def test_after_a_small_batch_a_lane_rests_for_less() -> None:
    work = Work()
    work.go_on.set()
    lane = Lane(
        work.run, most_in_batch=100, most_waiting=100, rest_seconds=60, rest_seconds_each=0.001
    )
    assert [await _all(lane.submit(1)), await _all(lane.submit(2))] == [[2], [4]]
    assert work.batches == [[1], [2]]


async def test_a_lane_is_idle_when_nothing_waits_or_runs() -> None:
    work = Work()
    lane = _lane(work)
    assert lane.is_idle
    submitted = await _submit(lane, 1)
    assert not lane.is_idle
    work.go_on.set()
    await _all(*submitted)
    await asyncio.sleep(0)
    assert lane.is_idle


async def test_each_caller_gets_its_own_result() -> None:
    work = Work()
    work.go_on.set()
    lane = _lane(work, most_in_batch=7)
    results = await _all(*(lane.submit(item) for item in range(1, 100)))
    assert results == [2 * item for item in range(1, 100)]
    assert max(map(len, work.batches)) == 7
    assert [item for batch in work.batches for item in batch] == list(range(1, 100))


async def test_an_error_reaches_its_whole_batch_and_the_lane_continues() -> None:
    work = Work()
    lane = _lane(work, most_in_batch=2)
    submitted = await _submit(lane, 1, 0, 2, 3)
    work.go_on.set()
    results = await _all(*submitted)
    assert [type(result) for result in results] == [ValueError, ValueError, int, int]
    assert results[2:] == [4, 6]
    assert await _all(lane.submit(5)) == [10]


async def test_missing_results_raise_for_their_callers() -> None:
    async def run(batch: Sequence[int]) -> list[int]:
        return list(batch)[1:]

    lane: Lane[int, int] = Lane(run, most_in_batch=10, most_waiting=10)
    results = await _all(lane.submit(1), lane.submit(2))
    assert [type(result) for result in results] == [ValueError, ValueError]


async def test_a_full_queue_refuses_an_item_without_running_it() -> None:
    work = Work()
    lane = _lane(work, most_waiting=2)
    in_flight = await _submit(lane, 1)
    await work.begun.wait()
    waiting = await _submit(lane, 2, 3)
    with pytest.raises(Unavailable) as refused:
        await lane.submit(4)
    assert (refused.value.status, refused.value.code) == (503, "overloaded")
    work.go_on.set()
    assert await _all(*in_flight, *waiting) == [2, 4, 6]
    assert await _all(lane.submit(5)) == [10]
    assert [4] not in work.batches


@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_a_canceled_caller_does_not_disturb_the_others(gone: int) -> None:
    """The first is in flight when it leaves, the others still wait."""
    work = Work()
    lane = _lane(work)
    tasks = await _submit(lane, 1)
    await work.begun.wait()
    tasks += await _submit(lane, 2, 3)
    tasks[gone].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[gone]
    work.go_on.set()
    stayed = [task for task in tasks if task is not tasks[gone]]
    expected = [2 * item for item in (1, 2, 3) if item != gone + 1]
    assert await _all(*stayed) == expected
    assert await _all(lane.submit(9)) == [18]


async def test_a_canceled_caller_does_not_hide_an_error_from_the_others() -> None:
    work = Work()
    lane = _lane(work)
    leaves, stays = await _submit(lane, 0, 1)
    await work.begun.wait()
    leaves.cancel()
    work.go_on.set()
    results = await _all(leaves, stays)
    assert [type(result) for result in results] == [asyncio.CancelledError, ValueError]


async def test_a_posted_item_runs_without_a_waiting_caller() -> None:
    work = Work()
    lane = _lane(work)
    lane.post(1)
    await work.begun.wait()
    lane.post(2)
    lane.post(3)
    work.go_on.set()
    await lane.quiet()
    assert work.batches == [[1], [2, 3]]
    assert lane.is_idle


async def test_a_posted_item_that_fails_or_is_refused_raises_nowhere() -> None:
    work = Work()
    lane = _lane(work, most_waiting=1)
    lane.post(0)
    await work.begun.wait()
    lane.post(1)
    lane.post(2)
    work.go_on.set()
    await lane.quiet()
    assert work.batches == [[0], [1]]
