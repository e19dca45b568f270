from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from groat.accounts.domain.commands import Unit
from groat.accounts.domain.decisions import Book, decide
from tests.support.ledger_commands import NOW, UNITS, applied, books
from tests.support.ledger_model import model_of, word


@settings(max_examples=300)
@given(books(), st.lists(st.tuples(st.integers(0, 4), UNITS), max_size=4))
def test_decisions_equal_the_model(book: Book, batches: list[tuple[int, list[Unit]]]) -> None:
    model, now = model_of(book), NOW
    for seconds, units in batches:
        now += timedelta(seconds=seconds)
        decision = decide(book, units, now)
        words = [[word(one) for one in outcomes] for outcomes in decision.outcomes]
        assert words == [model.run(unit, now) for unit in units]
        book = applied(book, decision)
        for account_id, one in book.balances.items():
            account = model.accounts[account_id]
            assert (one.posted, one.held) == (account["posted"], account["held"])
