from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.providers.domain.failures import MEANINGS
from groat.providers.stripe.codes import failure_code


@given(st.none() | st.text(), st.none() | st.text())
def test_every_stripe_code_maps_to_a_failure_code(decline: str | None, code: str | None) -> None:
    assert failure_code(decline, code) in MEANINGS


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
    assert failure_code(decline_code, code) == expected
