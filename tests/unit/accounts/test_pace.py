from __future__ import annotations

from groat.accounts.domain.pace import Pace


def tried(pace: Pace, batches: int) -> list[bool]:
    return [pace.tries_next() for _ in range(batches)]


def test_every_batch_is_tried_while_claims_hold() -> None:
    pace = Pace.starting(1)
    for _ in range(10):
        assert pace.tries_next()
        pace.hit()


def test_misses_make_tries_rare_and_hits_make_them_frequent_again() -> None:
    pace, gaps = Pace.starting(1), []
    for _ in range(9):
        pace.missed()
        gaps.append(tried(pace, 200).index(True) + 1)
        pace._batches = 0
    assert gaps == [2, 4, 8, 16, 32, 64, 128, 128, 128]
    for _ in range(7):
        pace.hit()
    assert tried(pace, 3) == [True] * 3


def test_the_least_gap_holds() -> None:
    every_second, never = Pace.starting(2), Pace.starting(0)
    every_second.hit()
    assert tried(every_second, 4) == [False, True, False, True]
    never.hit()
    never.missed()
    assert tried(never, 300) == [False] * 300


def test_references_are_looked_up_for_a_while_after_a_repetition() -> None:
    pace = Pace.starting(1)
    assert not pace.looks_up_next()
    pace.repeated()
    assert [pace.looks_up_next() for _ in range(257)] == [True] * 256 + [False]
    pace.repeated()
    assert pace.looks_up_next()
