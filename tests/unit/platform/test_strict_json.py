from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.errors import BadRequest, GroatError, InvalidRequest
from groat.platform.http.strict_json import (
    MAX_DEPTH,
    Json,
    read_json,
)

SCALARS = (
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("abc äß€\n") | st.floats(-9, 9)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)

VISA = "4111111111111111"
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
CARDS = {
    "visa": VISA,
    "visa of 13": "4222222222222",
    "visa of 19": "4000000000000000006",
    "mastercard": "5555555555554444",
    "mastercard 2": "2223003122003222",
    "american express": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "unionpay": "6200000000000005",
}


def _check_digit(digits: str) -> str:
    """Return what makes ``digits`` pass Luhn's test, reckoned another way than the source does."""
    odd = sum(int(digit) for digit in digits[-2::-2])
    even = sum(int(d) * 2 - 9 * (int(d) > 4) for d in digits[-1::-2])
    return str(-(odd + even) % 10)


def _refusal(body: bytes) -> GroatError:
    with pytest.raises(GroatError) as refused:
        read_json(body)
    return refused.value


def _grouped(card: str, separator: str) -> str:
    return separator.join(card[at : at + 4] for at in range(0, len(card), 4))


@given(VALUES)
def test_plain_values_are_read_unchanged(value: Json) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_a_groat_error(body: bytes) -> None:
    try:
        value = read_json(body)
    except GroatError:
        return
    assert json.loads(body) == value


@given(st.text(alphabet=st.characters(), max_size=30))
def test_any_text_in_json_is_kept_exactly_or_refused(text: str) -> None:
    body = json.dumps([text])
    try:
        value = read_json(body.encode())
    except InvalidRequest:
        return
    assert value == json.loads(body)
    assert "\x00" not in text


@given(st.text('{}[]":,.\\u0123456789eE+- truefalsn', max_size=60))
def test_near_json_is_a_writable_value_or_refused(text: str) -> None:
    try:
        value = read_json(text.encode())
    except GroatError:
        return
    assert read_json(json.dumps(value, allow_nan=False).encode()) == value


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e99999"])
def test_infinite_and_nan_numbers_are_refused(number: str) -> None:
    error = _refusal(f'{{"amount": {number}}}'.encode())
    assert (error.status, error.code) == (400, "invalid_json")


@pytest.mark.parametrize("digits", [5_000, 1_000_000])
def test_numbers_of_endless_digits_are_refused(digits: int) -> None:
    assert _refusal(b"1" * digits).code == "invalid_json"


def test_large_integers_are_kept_exactly() -> None:
    assert read_json(b"9007199254740993") == 9007199254740993


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":1}', b'[{"a":1,"b":2,"a":3}]', b'{"a":1,"\\u0061":2}']
)
def test_an_object_with_duplicate_names_is_refused(body: bytes) -> None:
    error = _refusal(body)
    assert error.code == "invalid_json"
    assert "two members of the same name" in error.message


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(opening: str, closing: str) -> None:
    deepest = opening * MAX_DEPTH + "1" + closing * MAX_DEPTH
    assert read_json(deepest.encode())
    for levels in (MAX_DEPTH + 1, 1_000, 200_000):
        error = _refusal((opening * levels + "1" + closing * levels).encode())
        assert isinstance(error, BadRequest)
        assert "nested deeper" in error.message


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"[1,]", b"\xff", b"\xef\xbb\xbf{}", b"{} {}", "{}".encode("utf-16")]
)
def test_bytes_that_are_not_utf_8_json_are_refused(body: bytes) -> None:
    error = _refusal(body)
    assert (error.status, error.code) == (400, "invalid_json")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udfff", "a\\udc00b", "\\udc00\\ud800"])
@pytest.mark.parametrize("shape", ['"%s"', '{"%s":1}', '[[{"a":"%s"}]]'])
def test_text_that_postgresql_cannot_store_is_refused(text: str, shape: str) -> None:
    error = _refusal((shape % text).encode())
    assert (error.status, error.code) == (422, "unstorable_text")


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize("separator", ["", " ", "-", "."])
@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_card_numbers_are_found_in_any_grouping(card: str, separator: str) -> None:
    error = _refusal(json.dumps({"note": f"card {_grouped(card, separator)}!"}).encode())
    assert (error.status, error.code) == (422, "pan_detected")
    assert card not in error.message


@pytest.mark.parametrize(
    "text",
    [
        f"{_grouped(VISA, ' ')} 12/27 123",
        f"{VISA} 1227",
        f"{VISA}-123",
        f"7 {VISA}",
        "3782 822463 10005 12/27",
        VISA.translate(FULL_WIDTH),
        "4111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111",
    ],
)
def test_card_numbers_are_found_beside_other_digits_and_in_other_forms(text: str) -> None:
    assert _refusal(json.dumps(text).encode()).code == "pan_detected"


@pytest.mark.parametrize(
    "body",
    [VISA, f"-{VISA}", f"{VISA}.0", "4.111111111111111e15", f'{{"{VISA}":1}}', f"[[{VISA}]]"],
)
def test_card_numbers_are_found_in_numbers_and_names(body: str) -> None:
    assert _refusal(body.encode()).code == "pan_detected"


@given(st.sampled_from("01789"), st.text("0123456789", min_size=11, max_size=16))
def test_numbers_outside_the_ranges_of_issuers_pass_with_any_check_digit(
    first: str, rest: str
) -> None:
    number = first + rest + _check_digit(first + rest)
    assert read_json(json.dumps(number).encode()) == number


@given(st.text("0123456789", min_size=14, max_size=14), st.integers(1, 9))
def test_a_wrong_check_digit_is_no_card_number(rest: str, off: int) -> None:
    digits = "4" + rest
    wrong = (int(_check_digit(digits)) + off) % 10
    assert read_json(json.dumps(f"{digits}{wrong}").encode()) == f"{digits}{wrong}"


@given(st.text("0123456789", min_size=14, max_size=14))
def test_every_visa_number_is_found(rest: str) -> None:
    digits = "4" + rest
    assert _refusal(f'"{digits}{_check_digit(digits)}"'.encode()).code == "pan_detected"


@pytest.mark.parametrize("text", ["411111111111", VISA + VISA, "order 4111"])
def test_runs_of_other_lengths_are_no_card_numbers(text: str) -> None:
    assert read_json(json.dumps(text).encode()) == text


def test_finite_floats_are_values() -> None:
    assert read_json(b"[0.1, -2.5e-3, 1e300]") == [0.1, -0.0025, 1e300]
