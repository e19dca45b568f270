"""Claims, judged here in Python; tests/integration holds PostgreSQL's judgement to the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groat.accounts.domain import orders
from groat.accounts.domain.claims import claimable, claimed, cleared, replayed
from groat.accounts.domain.commands import (
    EndHold,
    Known,
    Posted,
    PostTransaction,
    Refusal,
    Refused,
    Submission,
    Unit,
    UnitOutcomes,
)
from groat.accounts.domain.decisions import Book, decide
from groat.accounts.domain.kinds import TRANSFER
from groat.accounts.domain.ledger import Balance, Entry, Transaction, batch_digest, hold_id
from groat.accounts.domain.orders import HoldCapture
from groat.kernel.ids import AccountId
from groat.kernel.money import MAX_AMOUNT
from tests.support.ledger_commands import (
    MERCHANT,
    NOW,
    UNITS,
    balance,
    batches_of_posts,
    demanding_books,
)

A, B, C, D = [AccountId(UUID(int=number)) for number in range(1, 5)]


def post(reference: str, debit: AccountId, credit: AccountId, amount: int = 5) -> PostTransaction:
    entries = (Entry(debit, -amount, "EUR"), Entry(credit, amount, "EUR"))
    return PostTransaction(Transaction.of(MERCHANT, TRANSFER, reference, entries))


def judged(posts: Sequence[PostTransaction], balances: dict[AccountId, Balance]) -> bool:
    """Judge the claims of a batch as the statement does."""
    return all(
        (one := balances.get(claim.account_id)) is not None
        and one.status == "open"
        and not one.is_engine
        and one.currency == claim.currency
        and one.posted + claim.bottom >= -MAX_AMOUNT
        and one.posted + claim.top <= MAX_AMOUNT
        and (one.floor is None or one.available + claim.lowest >= one.floor)
        for claim in claimed([one.transaction for one in posts]).claims
    )


@settings(max_examples=500)
@given(demanding_books(), batches_of_posts())
def test_claims_hold_if_and_only_if_nothing_is_refused(
    book: Book, posts: list[PostTransaction]
) -> None:
    decision = decide(book, [(one,) for one in posts], NOW)
    refused = any(isinstance(one, Refused) for (one,) in decision.outcomes)
    assert judged(posts, dict(book.balances)) == (not refused)


@settings(max_examples=300)
@given(demanding_books(), batches_of_posts())
def test_heights_lead_to_the_decided_balances_and_the_digest_is_the_same(
    book: Book, posts: list[PostTransaction]
) -> None:
    decision = decide(book, [(one,) for one in posts], NOW)
    posted = [one for many in decision.posted for one in many]
    if len(posted) < len(posts):
        return
    batch = claimed([one.transaction for one in posts])
    before = [book.balances[claim.account_id] for claim in batch.claims]
    entries = [entry for one in posted for entry in one.entries]
    assert [
        (before[one.place - 1].number, one.amount, before[one.place - 1].posted + one.height)
        for one in batch.entries
    ] == [(one.account_number, one.amount, one.balance_after) for one in entries]
    after = {claim.account_id: (claim.total, claim.entries) for claim in batch.claims}
    assert after == {
        account_id: (
            one.posted - book.balances[account_id].posted,
            one.version - book.balances[account_id].version,
        )
        for account_id, one in decision.changes.balances.items()
    }


def test_each_transaction_is_recorded_a_microsecond_after_the_one_before() -> None:
    batch = claimed([post("a", A, B).transaction, post("b", C, D).transaction])
    units: list[Unit] = [(post("a", A, B),), (post("b", C, D),)]
    (first,), (second,) = batch.outcomes(units, NOW)
    assert isinstance(first, Posted)
    assert isinstance(second, Posted)
    assert (first.recorded_at, second.recorded_at) == (NOW, NOW + timedelta(microseconds=1))
    assert [claim.last for claim in batch.claims] == [1, 1, 2, 2]


def places(
    *units: tuple[str, Unit],
    failed: frozenset[AccountId] = frozenset(),
    known: Sequence[PostTransaction] = (),
) -> list[int]:
    keys = {one.transaction.id for one in known}
    return claimable([Submission(*one) for one in units], failed, keys)


HOLD = EndHold(hold_id(MERCHANT, "h"))
CAPTURE = orders.capture(MERCHANT, HoldCapture("c", hold_id(MERCHANT, "h"), D))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (lambda: places(("r", (post("a", A, B),)), ("r", (post("b", A, B),))), [0, 1]),
        (lambda: places(("r", (HOLD,)), ("s", (post("b", A, B),))), [1]),
        (lambda: places(("r", (HOLD,)), ("r", (post("b", A, B),))), []),
        (lambda: places(("r", (post("b", A, B),)), ("r", (CAPTURE,))), [0]),
        (lambda: places(("r", (post("a", A, B), HOLD))), []),
        (lambda: places(("r", (post("a", A, B), post("a", A, B)))), []),
        (lambda: places(("r", (post("a", A, B),)), ("s", (post("a", C, D),))), [0]),
        (lambda: places(("r", (post("a", A, B),)), known=[post("a", A, B)]), []),
        (
            lambda: places(
                ("r", (post("a", A, B),)),
                ("r", (post("b", B, C),)),
                ("r", (post("c", C, D),)),
                ("s", (post("d", B, C),)),
                failed=frozenset({A}),
            ),
            [3],
        ),
        (
            lambda: places(
                ("r", (post("a", A, B),)), ("s", (post("a", C, D),)), failed=frozenset({A})
            ),
            [],
        ),
    ],
    ids=[
        "all of one request",
        "a hold waits alone",
        "a hold stops its request",
        "a hold stops nothing before it",
        "a unit with a hold",
        "one reference twice in a unit",
        "one reference in two units",
        "a reference that is known",
        "units of a request follow one that waits, others do not",
        "the second of a reference waits although the first does",
    ],
)
def test_a_unit_waits_for_the_units_before_it(
    chosen: Callable[[], list[int]], expected: list[int]
) -> None:
    assert chosen() == expected


@settings(max_examples=300)
@given(demanding_books(), UNITS, st.lists(st.sampled_from(["r", "s"]), min_size=12, max_size=12))
def test_outcomes_are_the_same_if_the_waiting_units_are_decided_after_the_others(
    book: Book, units: list[Unit], requests: list[str]
) -> None:
    """Within a request, order counts. So each request is compared as if it had come alone."""
    for request in ("r", "s"):
        own = [unit for unit, name in zip(units, requests, strict=False) if name == request]
        chosen = claimable([Submission(request, unit) for unit in own], {A, B}, set())
        later = [place for place in range(len(own)) if place not in chosen]
        decided = decide(book, [own[place] for place in [*chosen, *later]], NOW).outcomes
        reordered = dict(zip([*chosen, *later], decided, strict=True))
        expected = decide(book, own, NOW).outcomes
        assert [said(reordered[place]) for place in range(len(own))] == [
            said(outcomes) for outcomes in expected
        ]


def said(outcomes: Sequence[object]) -> list[object]:
    """Return outcomes without the times, which tell the order of other accounts too."""
    return [
        (one.transaction_id, one.replayed) if isinstance(one, Posted) else one for one in outcomes
    ]


def test_a_repeated_unit_is_answered_from_the_ledger_only_if_it_is_the_same() -> None:
    first, second = post("a", A, B), post("b", A, B)
    known = {
        one.transaction.id: Known(one.transaction.request_hash, NOW) for one in (first, second)
    }
    assert replayed((first, second), known) == (
        Posted(first.transaction.id, NOW, replayed=True),
        Posted(second.transaction.id, NOW, replayed=True),
    )
    assert replayed((first, post("c", A, B)), known) is None
    assert replayed((post("a", A, B, amount=6),), known) is None
    assert replayed((first, HOLD), known) is None


def test_an_account_is_cleared_when_all_of_its_units_are_executed() -> None:
    units: list[Unit] = [(post("a", A, B),), (post("b", B, C),), (post("c", D, A),), (HOLD,)]
    done: UnitOutcomes = (Posted(post("a", A, B).transaction.id, NOW),)
    refused: UnitOutcomes = (Refused(Refusal.INSUFFICIENT_FUNDS),)
    submissions = [Submission("r", unit) for unit in units]
    assert cleared(submissions, [done, done, done, done]) == {A, B, C, D}
    assert cleared(submissions, [done, refused, done, done]) == {A, D}
    assert cleared(submissions, [done, done, ValueError(), done]) == {B, C}


def test_the_digest_of_a_batch_follows_from_its_content_and_its_first_time() -> None:
    """PostgreSQL computes the same in ``post_by_claims``."""
    posts = [post("a", A, B), post("b", B, C)]
    book = Book({one: balance(one, "EUR", floor=None) for one in (A, B, C)})
    decision = decide(book, [(one,) for one in posts], NOW)
    posted = [one for many in decision.posted for one in many]
    assert [one.recorded_at - NOW for one in posted] == [timedelta(), timedelta(microseconds=1)]
    content = claimed([one.transaction for one in posts]).digest()
    text = f"{content} {int(NOW.timestamp())}000000"
    assert batch_digest(posted) == hashlib.sha256(text.encode()).hexdigest()
