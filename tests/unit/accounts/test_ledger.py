from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.accounts.domain import ledger
from groat.accounts.domain.kinds import REVERSAL, TRANSFER
from groat.accounts.domain.ledger import (
    Entry,
    Hold,
    PostedEntry,
    PostedTransaction,
    StatementFilter,
    Transaction,
    UnbalancedTransaction,
    batch_digest,
    hold_id,
    request_hash,
    transaction_id,
)
from groat.kernel.ids import AccountId, HoldId, MerchantId
from groat.kernel.value import replace

MERCHANT = MerchantId(7)
A, B, C, D = [AccountId(UUID(int=number)) for number in range(1, 5)]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENTRIES = (Entry(A, -5, "EUR"), Entry(B, 5, "EUR"))


def transaction(reference: str = "r", entries: tuple[Entry, ...] = ENTRIES) -> Transaction:
    return Transaction.of(MERCHANT, TRANSFER, reference, entries)


@given(st.integers(0, 2**62 - 1), st.text(min_size=1, max_size=40))
def test_ids_are_uuids_that_depend_on_merchant_reference_and_kind(
    merchant: int, reference: str
) -> None:
    found = transaction_id(MerchantId(merchant), reference)
    assert (found.version, found.variant) == (8, RFC_4122)
    assert found == transaction_id(MerchantId(merchant), reference)
    others = {
        transaction_id(MerchantId(merchant + 1), reference),
        transaction_id(MerchantId(merchant), reference + "x"),
        hold_id(MerchantId(merchant), reference),
    }
    assert len(others | {found}) == 4


def test_merchant_and_reference_cannot_be_confused() -> None:
    assert transaction_id(MerchantId(1), "1 x") != transaction_id(MerchantId(11), "x")


@pytest.mark.parametrize(
    "other",
    [
        Transaction.of(MERCHANT, REVERSAL, "r", ENTRIES),
        Transaction.of(MERCHANT, TRANSFER, "r", ENTRIES[::-1]),
        Transaction.of(MERCHANT, TRANSFER, "r", ENTRIES, NOW),
        transaction(entries=(Entry(A, -6, "EUR"), Entry(B, 6, "EUR"))),
        transaction(entries=(Entry(A, -5, "USD"), Entry(B, 5, "USD"))),
        transaction(entries=(Entry(A, -5, "EUR"), Entry(C, 5, "EUR"))),
    ],
)
def test_every_part_of_the_content_is_in_the_request_hash(other: Transaction) -> None:
    assert other.id == transaction().id
    assert other.request_hash != transaction().request_hash


def test_the_request_hash_fits_a_bigint() -> None:
    hashes = [request_hash(number) for number in range(1000)]
    assert len(set(hashes)) == 1000
    assert min(hashes) < 0 < max(hashes)
    assert all(-(2**63) <= one < 2**63 for one in hashes)


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (Entry(A, 5, "EUR"),),
        (Entry(A, 0, "EUR"), Entry(B, 0, "EUR")),
        (Entry(A, 5, "EUR"), Entry(B, -5, "EUR"), Entry(C, 0, "EUR")),
        (Entry(A, 5, "EUR"), Entry(B, -4, "EUR")),
        (Entry(A, 5, "EUR"), Entry(B, -5, "USD")),
        (Entry(A, 5, "EUR"), Entry(A, -5, "EUR")),
        (Entry(A, 5, "EUR"), Entry(B, -5, "EUR"), Entry(C, 5, "USD"), Entry(D, -4, "USD")),
    ],
    ids=[
        "no entries",
        "one entry",
        "nothing moves",
        "an idle entry",
        "unequal",
        "across currencies",
        "one account twice",
        "one currency unequal",
    ],
)
def test_an_unbalanced_transaction_cannot_be_built(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(UnbalancedTransaction, match="transfer r"):
        transaction(entries=entries)


def test_each_currency_balances_separately() -> None:
    entries = (*ENTRIES, Entry(C, -7, "USD"), Entry(D, 7, "USD"))
    assert transaction(entries=entries).entries == entries


def posted(reference: str, amount: int = 5, moment: datetime = NOW) -> PostedTransaction:
    one = transaction(reference, (Entry(A, -amount, "EUR"), Entry(B, amount, "EUR")))
    entries = (
        PostedEntry(2, moment, one.id, amount, amount),
        PostedEntry(1, moment, one.id, -amount, -amount),
    )
    return PostedTransaction(one, moment, entries)


def test_the_digest_of_a_batch_depends_on_its_content_and_not_its_order() -> None:
    batch = [posted("a"), posted("b")]
    digest = batch_digest(batch)
    assert digest == batch_digest(batch[::-1])
    later = NOW + timedelta(microseconds=1)
    others = [
        [posted("a")],
        [posted("a"), posted("c")],
        [posted("a"), posted("b", amount=6)],
        [posted("a"), posted("b", moment=later)],
        [
            posted("a"),
            posted("b")._replace(transaction=posted("b").transaction._replace(kind=REVERSAL)),
        ],
        [
            posted("a"),
            posted("b")._replace(transaction=posted("b").transaction._replace(effective_at=NOW)),
        ],
    ]
    assert len({digest, *map(batch_digest, others)}) == 7


def test_micros_are_exact() -> None:
    moment = datetime(2026, 11, 23, 3, 14, 15, 926535, tzinfo=UTC)
    assert ledger._micros(moment) == 1_795_403_655_926_535


@given(st.integers(1, 100), st.data())
def test_a_hold_is_captured_part_by_part(amount: int, data: st.DataObject) -> None:
    hold = Hold(HoldId(A), A, "EUR", 1, "r", amount, amount, 0, "open", None, NOW)
    while hold.state == "open":
        part = data.draw(st.integers(1, hold.remaining))
        before, hold = hold, hold.after_capture(part)
        assert hold.captured == before.captured + part
        assert hold.captured + hold.remaining == amount
    assert (hold.state, hold.captured) == ("captured", amount)


def test_an_ended_hold_keeps_its_captured_amount() -> None:
    hold = Hold(HoldId(A), A, "EUR", 1, "r", 10, 10, 0, "open", None, NOW).after_capture(4)
    assert hold.ended("released") == replace(hold, remaining=0, state="released")


TICK = timedelta(microseconds=1)
LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("wanted", "shown", "following"),
    [
        (StatementFilter(), NOW, StatementFilter(until=NOW)),
        (StatementFilter(until=LATER), NOW, StatementFilter(until=NOW)),
        (StatementFilter(until=NOW), LATER, StatementFilter(until=NOW)),
        (
            StatementFilter(oldest_first=True),
            NOW,
            StatementFilter(since=NOW + TICK, oldest_first=True),
        ),
        (
            StatementFilter(since=LATER, oldest_first=True),
            NOW,
            StatementFilter(since=LATER, oldest_first=True),
        ),
    ],
)
def test_the_lines_after_a_line_exclude_it(
    wanted: StatementFilter, shown: datetime, following: StatementFilter
) -> None:
    assert wanted.following(shown) == following
