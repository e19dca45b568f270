from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.providers.domain.failures import MEANINGS, FailureCode
from groat.providers.paypal.codes import failure_code


@given(st.lists(st.text()))
def test_every_paypal_code_maps_to_a_failure_code(codes: list[str]) -> None:
    assert failure_code(codes, FailureCode.DO_NOT_HONOR) in MEANINGS


def test_the_first_known_paypal_code_counts() -> None:
    codes = ["UNHEARD_OF", "PAYER_ACTION_REQUIRED", "5120"]
    found = failure_code(codes, FailureCode.REJECTED_BY_PROVIDER)
    assert found is FailureCode.AUTHENTICATION_FAILED
    assert failure_code([], FailureCode.REJECTED_BY_PROVIDER) is FailureCode.REJECTED_BY_PROVIDER


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("5120", "insufficient_funds"),
        ("5400", "expired_card"),
        ("9520", "lost_or_stolen"),
        ("9500", "fraud_suspected"),
        ("0500", "do_not_honor"),
        ("PAYER_ACTION_REQUIRED", "authentication_failed"),
        ("unheard of", "do_not_honor"),
    ],
)
def test_paypals_codes_are_normalised(code: str, expected: str) -> None:
    assert failure_code([code], FailureCode.DO_NOT_HONOR) == expected
