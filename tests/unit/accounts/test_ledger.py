from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.accounts.domain.ledger import (
    Balance,
    Entry,
    PostedEntry,
    Posting,
    UnbalancedTransaction,
    post,
)
from groat.kernel.ids import AccountId, TransactionId

EUROS = [AccountId(UUID(int=number)) for number in range(1, 5)]
DOLLARS = [AccountId(UUID(int=number)) for number in range(11, 14)]
CURRENCIES = {**dict.fromkeys(EUROS, "EUR"), **dict.fromkeys(DOLLARS, "USD")}
BEFORE = {
    account: Balance(account, currency, 0, version=7) for account, currency in CURRENCIES.items()
}

AMOUNTS = st.sampled_from([-(10**12), -100, -7, -1, 1, 7, 100, 10**12])


def _legs(accounts: Sequence[AccountId]) -> st.SearchStrategy[list[Entry]]:
    """Entries on some of ``accounts``, the same one maybe twice, that sum to zero."""
    some = st.lists(st.builds(Entry, st.sampled_from(accounts), AMOUNTS), min_size=1, max_size=3)
    return st.builds(_balanced, some, st.sampled_from(accounts))


def _balanced(entries: list[Entry], last: AccountId) -> list[Entry]:
    missing = -sum(entry.amount for entry in entries)
    return entries if missing == 0 else [*entries, Entry(last, missing)]


def _posting(entries: Sequence[Entry], number: int = 0) -> Posting:
    return Posting(TransactionId(UUID(int=number)), "test", f"ref-{number}", tuple(entries))


BALANCED_ENTRIES = _legs(EUROS) | st.builds(list.__add__, _legs(EUROS), _legs(DOLLARS))
POSTINGS = st.lists(BALANCED_ENTRIES, max_size=4).map(
    lambda many: [_posting(entries, number) for number, entries in enumerate(many)]
)


def _by_currency(balances: Mapping[AccountId, Balance]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for balance in balances.values():
        sums[balance.currency] += balance.posted
    return dict(sums)


@given(POSTINGS)
def test_every_currency_keeps_summing_to_zero(postings: list[Posting]) -> None:
    after, _ = post(BEFORE, postings)
    assert _by_currency(after) == {"EUR": 0, "USD": 0}


@given(POSTINGS)
def test_versions_are_gapless_and_entries_lead_to_their_balance(postings: list[Posting]) -> None:
    after, posted = post(BEFORE, postings)
    for account, balance in after.items():
        entries = [entry for entry in posted if entry.account_id == account]
        assert [entry.version for entry in entries] == list(range(8, 8 + len(entries)))
        assert balance.version == 7 + len(entries)
        running = 0
        for entry in entries:
            running += entry.amount
            assert entry.balance_after == running
        assert balance.posted == running


@given(POSTINGS)
def test_a_batch_is_what_its_postings_are_one_by_one(postings: list[Posting]) -> None:
    balances: dict[AccountId, Balance] = dict(BEFORE)
    one_by_one: list[PostedEntry] = []
    for posting in postings:
        balances, posted = post(balances, [posting])
        one_by_one += posted
    assert post(BEFORE, postings) == (balances, one_by_one)


@given(POSTINGS)
def test_every_entry_is_posted_once_in_its_order(postings: list[Posting]) -> None:
    _, posted = post(BEFORE, postings)
    assert [(one.transaction_id, one.account_id, one.amount) for one in posted] == [
        (posting.transaction_id, entry.account_id, entry.amount)
        for posting in postings
        for entry in posting.entries
    ]


@given(POSTINGS, BALANCED_ENTRIES, st.integers(0, 4), AMOUNTS)
def test_one_unbalanced_posting_refuses_the_batch(
    postings: list[Posting], entries: list[Entry], at: int, off: int
) -> None:
    """Wherever it stands, and nothing that was given is changed."""
    first = entries[0]
    wrong = [replace(first, amount=first.amount + off), *entries[1:]]
    batch = [*postings[:at], _posting(wrong, 99), *postings[at:]]
    given_before = dict(BEFORE)
    with pytest.raises(UnbalancedTransaction, match="ref-99"):
        post(BEFORE, batch)
    assert given_before == BEFORE


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [Entry(EUROS[0], 5)],
        [Entry(EUROS[0], 0), Entry(EUROS[1], 0)],
        [Entry(EUROS[0], 5), Entry(EUROS[1], -5), Entry(EUROS[2], 0)],
        [Entry(EUROS[0], 5), Entry(DOLLARS[0], -5)],
    ],
    ids=["no entries", "one entry", "nothing moves", "an idle entry", "across currencies"],
)
def test_what_is_not_double_entry_is_refused(entries: list[Entry]) -> None:
    with pytest.raises(UnbalancedTransaction):
        post(BEFORE, [_posting(entries)])


def test_nothing_posted_changes_nothing() -> None:
    assert post(BEFORE, []) == (BEFORE, [])


def test_an_account_that_is_not_there_is_a_fault() -> None:
    stranger = AccountId(UUID(int=99))
    with pytest.raises(KeyError):
        post(BEFORE, [_posting([Entry(EUROS[0], 5), Entry(stranger, -5)])])
