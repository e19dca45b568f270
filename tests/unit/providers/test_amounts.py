from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money, exponent
from groat.providers.amounts import from_units, to_units
from groat.providers.paypal.bodies import paypal_value
from groat.providers.stripe.amounts import stripe_units

CURRENCIES = ["JPY", "EUR", "BHD", "UYW", "ISK", "MGA", "HUF"]


@given(st.integers(1, 10**9), st.sampled_from(CURRENCIES), st.integers(0, 4))
def test_an_amount_survives_conversion_to_the_units_of_a_provider(
    amount: int, currency: str, decimals: int
) -> None:
    money = Money(amount, currency)
    assume(amount % 10 ** max(0, exponent(currency) - decimals) == 0)
    assert from_units(to_units(money, decimals), currency, decimals) == money


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        (1050, "EUR", 1050),
        (500, "JPY", 500),
        (100, "ISK", 10_000),
        (7, "UGX", 700),
        (1000, "MGA", 10),
    ],
)
def test_stripe_has_its_own_units_for_some_currencies(
    amount: int, currency: str, units: int
) -> None:
    assert stripe_units(Money(amount, currency)) == units


def test_a_fraction_that_stripe_cannot_express_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="MGA with 0 decimals"):
        stripe_units(Money(1050, "MGA"))


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [(1050, "EUR", "10.50"), (500, "JPY", "500"), (50_000, "HUF", "500"), (50_000, "TWD", "500")],
)
def test_paypal_accepts_some_currencies_without_decimals(
    amount: int, currency: str, value: str
) -> None:
    assert paypal_value(Money(amount, currency)) == value


def test_a_fraction_that_paypal_cannot_express_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="HUF with 0 decimals"):
        paypal_value(Money(50_050, "HUF"))
