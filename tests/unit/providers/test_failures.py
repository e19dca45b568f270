from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.providers.domain.failures import MEANINGS, FailureCode, from_paypal, from_stripe


@given(st.none() | st.text(), st.none() | st.text())
def test_whatever_stripe_says_is_a_code_of_ours(decline: str | None, code: str | None) -> None:
    assert from_stripe(decline, code) in MEANINGS


@given(st.lists(st.text()))
def test_whatever_paypal_says_is_a_code_of_ours(codes: list[str]) -> None:
    assert from_paypal(codes, FailureCode.DO_NOT_HONOR) in MEANINGS


def test_every_code_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(FailureCode)


def test_the_first_code_of_paypals_that_is_known_counts() -> None:
    codes = ["UNHEARD_OF", "PAYER_ACTION_REQUIRED", "5120"]
    found = from_paypal(codes, FailureCode.REJECTED_BY_PROVIDER)
    assert found is FailureCode.AUTHENTICATION_FAILED
    assert from_paypal([], FailureCode.REJECTED_BY_PROVIDER) is FailureCode.REJECTED_BY_PROVIDER


@pytest.mark.parametrize(
    ("decline_code", "code", "expected"),
    [
        ("insufficient_funds", "card_declined", "insufficient_funds"),
        ("stolen_card", "card_declined", "lost_or_stolen"),
        ("lost_card", "card_declined", "lost_or_stolen"),
        ("fraudulent", "card_declined", "fraud_suspected"),
        ("generic_decline", "card_declined", "do_not_honor"),
        (None, "expired_card", "expired_card"),
        (None, "incorrect_cvc", "incorrect_details"),
        (None, "authentication_required", "authentication_failed"),
        (None, "payment_intent_authentication_failure", "authentication_failed"),
        ("expired_or_canceled_card", None, "expired_card"),
        ("lost_or_stolen_card", None, "lost_or_stolen"),
        ("unheard_of", "processing_error", "processing_error"),
        (None, None, "do_not_honor"),
    ],
)
def test_stripes_codes_are_normalised(
    decline_code: str | None, code: str | None, expected: str
) -> None:
    assert from_stripe(decline_code, code) == expected


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
    assert from_paypal([code], FailureCode.DO_NOT_HONOR) == expected
