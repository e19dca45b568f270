from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.accounts.domain.chart import (
    Account,
    AccountSpec,
    as_expected,
    clearing,
    wallet,
)
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import AccountId, ProviderAccountId

PROVIDER_ACCOUNT = ProviderAccountId(UUID("01890a5d-ac96-774b-bcce-b302099a8057"))


@pytest.mark.parametrize("code", ["a", "0", "wallet:alice", "w_1.2-3", "a" * 100, "clearingx"])
def test_a_wallet_is_a_liability(code: str) -> None:
    assert wallet(code, "EUR") == AccountSpec(code, "EUR", "credit", floor=0)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "A",
        "_a",
        ":a",
        "a b",
        "a\n",
        "é",
        "a" * 101,
        "clearing",
        "clearing:x:eur",
        "fees:x",
        "bank",
        "receivable:eur",
    ],
)
def test_other_codes_are_refused(code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        wallet(code, "EUR")
    assert refused.value.code == "invalid_account_code"


def test_a_wallet_needs_a_currency() -> None:
    with pytest.raises(InvalidRequest) as refused:
        wallet("alice", "XXX")
    assert refused.value.code == "unknown_currency"


@given(st.uuids(), st.sampled_from(["EUR", "USD", "JPY"]))
def test_no_wallet_can_have_the_code_of_a_clearing_account(value: UUID, currency: str) -> None:
    spec = clearing(ProviderAccountId(value), currency)
    assert (spec.currency, spec.normal_side) == (currency, "debit")
    with pytest.raises(InvalidRequest):
        wallet(spec.code, currency)


def test_there_is_one_clearing_account_for_each_provider_account_and_currency() -> None:
    code = "clearing:pac_01h455vb4pex5vsknk084sn02q:eur"
    assert clearing(PROVIDER_ACCOUNT, "EUR").code == code
    assert clearing(PROVIDER_ACCOUNT, "USD").code != code


@pytest.mark.parametrize("posted", [0, 5, -5])
def test_a_balance_has_the_sign_that_people_expect(posted: int) -> None:
    assert as_expected("credit", posted) == posted
    assert as_expected("debit", posted) == -posted
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for side, sign in (("credit", 1), ("debit", -1)):
        spec = AccountSpec("a", "EUR", "credit" if side == "credit" else "debit")
        account = Account(AccountId(PROVIDER_ACCOUNT), 1, spec, "open", posted, 2, 1, now)
        assert account.balance == sign * posted
        assert account.available == sign * (posted - 2)
