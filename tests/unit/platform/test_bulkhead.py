from __future__ import annotations

import pytest

from groat.kernel.errors import Unavailable
from groat.platform.process.bulkhead import Bulkhead


def test_a_full_name_refuses_calls_and_other_names_accept_them() -> None:
    bulkhead = Bulkhead(2)
    with bulkhead.turn() as first, bulkhead.turn() as second, bulkhead.turn() as third:
        first.take("slow")
        second.take("slow")
        with pytest.raises(Unavailable) as caught:
            third.take("slow")
        assert caught.value.code == "provider_account_busy"
        third.take("fast")


def test_a_turn_frees_its_place_at_every_kind_of_end() -> None:
    bulkhead = Bulkhead(1)

    def fail() -> None:
        with bulkhead.turn() as turn:
            turn.take("one")
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fail()
    with bulkhead.turn() as turn:
        turn.take("one")


def test_a_turn_moves_on_and_holds_one_place_at_a_time() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead.turn() as turn, bulkhead.turn() as other:
        turn.take("first")
        turn.take("first")
        turn.take("second")
        other.take("first")


def test_a_turn_that_cannot_move_on_keeps_its_place() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead.turn() as turn, bulkhead.turn() as other:
        turn.take("first")
        other.take("second")
        with pytest.raises(Unavailable):
            turn.take("second")
        with pytest.raises(Unavailable):
            other.take("first")


def test_a_refused_turn_frees_no_place() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead.turn():
        pass
    with bulkhead.turn() as turn:
        turn.take("one")
