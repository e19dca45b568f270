from __future__ import annotations

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.currencies import DECIMALS
from groat.kernel.errors import InvalidRequest
from groat.kernel.money import MAX_AMOUNT, Money, exponent, require_current

PAID_IN = sorted(currency.code for currency in iso4217.Currency if currency.exponent is not None)
NOT_PAID_IN = sorted(currency.code for currency in iso4217.Currency if currency.exponent is None)

AMOUNTS = st.integers(-MAX_AMOUNT, MAX_AMOUNT)


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("JPY", 0), ("BHD", 3), ("CLF", 4)])
def test_exponents_match_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places


def test_every_currency_of_iso_4217_has_its_decimals() -> None:
    """If this fails, ISO 4217 has changed: add what is new, and take nothing out."""
    today = {one.code: one.exponent for one in iso4217.Currency if one.exponent is not None}
    assert today == {code: DECIMALS.get(code) for code in today}


@pytest.mark.parametrize(("currency", "places"), [("BGN", 2), ("HRK", 2), ("BYR", 0)])
def test_money_in_a_withdrawn_currency_can_be_read_but_not_accepted(
    currency: str, places: int
) -> None:
    money = Money(1050, currency)
    assert exponent(currency) == places
    assert Money.from_decimal(money.decimal(), currency) == money
    with pytest.raises(InvalidRequest) as refused:
        require_current(currency)
    assert refused.value.code == "unknown_currency"
    assert currency in refused.value.message


@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD"])
def test_a_current_currency_is_accepted(currency: str) -> None:
    require_current(currency)


@given(AMOUNTS)
def test_amounts_of_every_currency_survive_a_decimal_round_trip(amount: int) -> None:
    for currency in PAID_IN:
        money = Money(amount, currency)
        assert Money.from_decimal(money.decimal(), currency) == money


@given(AMOUNTS, st.sampled_from(PAID_IN))
def test_decimals_are_all_written_out(amount: int, currency: str) -> None:
    whole, _, fraction = Money(amount, currency).decimal().partition(".")
    assert len(fraction) == exponent(currency)
    assert int(whole + fraction) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1050, "EUR", "10.50"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (1050, "JPY", "1050"),
        (-7, "JPY", "-7"),
        (1050, "BHD", "1.050"),
    ],
)
def test_money_is_shown_as_people_write_it(amount: int, currency: str, text: str) -> None:
    assert Money(amount, currency).decimal() == text
    assert str(Money(amount, currency)) == f"{text} {currency}"


@pytest.mark.parametrize(
    ("text", "currency", "amount"), [("10", "EUR", 1000), ("10.5", "EUR", 1050), ("-0", "EUR", 0)]
)
def test_fewer_decimals_than_the_currency_has_are_accepted(
    text: str, currency: str, amount: int
) -> None:
    assert Money.from_decimal(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *[("10.505", "EUR"), ("10.500", "EUR"), ("10.0", "JPY"), ("1.0000", "BHD")],
        *[(text, "EUR") for text in ("", " 10", "10 ", "10\n", "+10", "--1", ".5", "10.", "1e3")],
        *[
            (text, "EUR")
            for text in (
                "1,000.00",
                "NaN",
                "Infinity",
                "0x10",
                "1_000",
                "\u0661\u0660",
                "\uff11\uff10",
            )
        ],
        ("1" * 17, "EUR"),
    ],
)
def test_a_text_that_is_not_exactly_an_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Money.from_decimal(text, currency)
    assert refused.value.code == "invalid_amount"


@given(st.text())
def test_any_text_is_money_or_an_invalid_request(text: str) -> None:
    try:
        money = Money.from_decimal(text, "EUR")
    except InvalidRequest:
        return
    assert Money.from_decimal(money.decimal(), "EUR") == money


@pytest.mark.parametrize("amount", [MAX_AMOUNT + 1, -MAX_AMOUNT - 1, 10**400])
def test_amounts_that_json_readers_would_round_are_refused(amount: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Money(amount, "EUR")
    assert refused.value.code == "amount_too_large"


def test_a_decimal_beyond_the_largest_amount_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        Money.from_decimal("9999999999999999.99", "EUR")
    assert refused.value.code == "amount_too_large"


@pytest.mark.parametrize("currency", [*NOT_PAID_IN, "eur", "EU", "EURO", "", "E\x00R", "978", "€"])
def test_codes_without_payments_are_no_currencies(currency: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Money(1, currency)
    assert refused.value.code == "unknown_currency"
    with pytest.raises(InvalidRequest):
        require_current(currency)


def test_a_long_currency_is_not_quoted() -> None:
    with pytest.raises(InvalidRequest) as refused:
        exponent("X" * 10_000)
    assert len(refused.value.message) < 100
