from __future__ import annotations

import random
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.platform.http.card_numbers import looks_like_card_number

CARDS = {
    "visa": "4242424242424242",
    "mastercard": "5555555555554444",
    "american express": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "unionpay": "6200000000000005",
    "unionpay of 19": "6205500000000000004",
    "maestro of 12": "500000000611",
    "maestro of 13": "5000550000025",
    "maestro of 15": "560000000000002",
    "maestro": "6759649826438453",
    "maestro of 18": "675964982643845300",
    "maestro of 19": "6304939304310009610",
    "mir": "2200000000000004",
}
SEPARATORS = {
    "space": " ",
    "hyphen": "-",
    "full stop": ".",
    "two spaces": "  ",
    "spaced hyphen": " - ",
    "underscore": "_",
    "slash": "/",
    "backslash": "\\",
    "bar": "|",
    "asterisk": "*",
    "tab": "\t",
    "new line": "\n",
    "carriage return": "\r\n",
    "no-break space": "\u00a0",
    "thin space": "\u2009",
    "line separator": "\u2028",
    "hyphen of Unicode": "\u2010",
    "non-breaking hyphen": "\u2011",
    "en dash": "\u2013",
    "em dash": "\u2014",
    "minus": "\u2212",
    "full-width hyphen": "\uff0d",
    "middle dot": "\u00b7",
    "ideographic full stop": "\u3002",
}
INVISIBLE = {
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "zero-width non-joiner": "\u200c",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "right-to-left mark": "\u200f",
    "combining accent": "\u0301",
    "keycap": "\ufe0f\u20e3",
}
DIGITS = {
    unicodedata.name(zero).removesuffix(" ZERO"): [chr(ord(zero) + value) for value in range(10)]
    for zero in "\u0660\u06f0\u0966\u0e50\uff10\U0001d7ce\U0001d7f6"
}


def grouped(card: str, separator: str) -> str:
    return separator.join(card[at : at + 4] for at in range(0, len(card), 4))


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_numbers_of_each_issuer_are_found(card: str) -> None:
    assert looks_like_card_number(card)
    assert looks_like_card_number(f"paid with {card}, thanks")
    assert looks_like_card_number(f"pan{card}x")


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS.keys())
@pytest.mark.parametrize("card", [one for one in CARDS.values() if len(one) > 12])
def test_a_card_number_is_found_with_any_separator(card: str, separator: str) -> None:
    assert looks_like_card_number(f"card: {grouped(card, separator)}; thanks")


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS.keys())
@pytest.mark.parametrize("size", [1, 2, 8])
def test_a_card_number_is_found_in_groups_of_any_size(separator: str, size: int) -> None:
    card = CARDS["visa"]
    groups = [card[at : at + size] for at in range(0, len(card), size)]
    assert looks_like_card_number(f"card: {separator.join(groups)}, thanks")


@pytest.mark.parametrize("between", INVISIBLE.values(), ids=INVISIBLE.keys())
@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_a_card_number_is_found_between_invisible_characters(card: str, between: str) -> None:
    assert looks_like_card_number(between.join(card))
    assert looks_like_card_number(grouped(card, between))


@pytest.mark.parametrize("digits", DIGITS.values(), ids=DIGITS.keys())
def test_a_card_number_is_found_in_the_digits_of_any_script(digits: list[str]) -> None:
    card = CARDS["visa"].translate({ord("0") + n: digit for n, digit in enumerate(digits)})
    assert looks_like_card_number(card)
    assert looks_like_card_number(grouped(card, "\u2013"))


@pytest.mark.parametrize("card", [one for one in CARDS.values() if len(one) >= 14])
@pytest.mark.parametrize("code", ["123", "1234", "1227123", "12271234"])
def test_a_card_number_is_found_with_an_appended_security_code(card: str, code: str) -> None:
    assert looks_like_card_number(card + code)
    assert looks_like_card_number(f"{card} {code}")
    if len(card) == 16:
        assert looks_like_card_number(grouped(card, " ") + code)


@pytest.mark.parametrize(
    "text",
    [
        "3782 822463 10005",
        "3782-822463-10005 12/27 1234",
        "7 4242 4242 4242 4242 12/27 123",
        "4242 4242 4242 4242\n12/27",
        "\u2463\u2461\u2463\u2461" * 4,  # circled
        "4\ufe0f\u20e32\ufe0f\u20e3" * 8,
    ],
)
def test_a_card_number_is_found_as_it_is_printed(text: str) -> None:
    assert looks_like_card_number(text)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)), st.integers(-840, 840))  # noqa: DTZ001
def test_times_are_no_card_numbers(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    shifted = f"{naive.isoformat()}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:00"
    texts = [
        shifted,
        moment.isoformat(),
        moment.isoformat(timespec="microseconds"),
        moment.strftime("%d.%m.%Y %H:%M:%S"),
        moment.strftime("%d/%m/%Y-%d/%m/%Y"),
        moment.strftime("%Y%m%d%H%M%S"),
        moment.strftime("%Y-%m-%d %H-%M-%S.%f"),
        f"{naive.date()} - {(naive + timedelta(days=30)).date()}",
    ]
    assert [text for text in texts if looks_like_card_number(text)] == []


def test_our_ids_and_provider_ids_are_no_card_numbers() -> None:
    dice = random.Random(5)  # noqa: S311
    for _ in range(50_000):
        value = UUID(int=dice.getrandbits(128), version=4)
        texts = [str(value), value.hex, ids.render("payment", value), dice.randbytes(32).hex()]
        trace = f"00-{dice.randbytes(16).hex()}-{dice.randbytes(8).hex()}-01"
        assert [one for one in [*texts, trace] if looks_like_card_number(one)] == []


@pytest.mark.parametrize(
    "text",
    [
        "order-2026-11-28-0004",
        "INV-2026-000123456",
        "1764368589000",
        "1764368589000000000",
        "GB29 NWBK 6016 1331 9268 19",
        "DE89 3704 0044 0532 0130 00",
        "FR14 2004 1010 0505 0001 3M02 606",
        "+49 30 901820, 10115 Berlin",
        "192.168.100.200:65535",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.6099.109 Safari/537.36",
        "12.50 + 13.75 + 99.00 = 125.25 EUR",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "9007199254740991",
        "\u4e00\u4e8c" * 20,
    ],
)
def test_ordinary_references_are_no_card_numbers(text: str) -> None:
    assert not looks_like_card_number(text)


@pytest.mark.parametrize("shape", ["short", "order", "uuid"])
def test_common_references_never_look_like_card_numbers(shape: str) -> None:
    dice = random.Random(11)  # noqa: S311
    for _ in range(30_000):
        text = {
            "short": lambda: str(dice.randrange(10 ** dice.randint(1, 11))),
            "order": lambda: f"ORD-2026-{dice.randrange(10**8):08}",
            "uuid": lambda: str(UUID(int=dice.getrandbits(128), version=4)),
        }[shape]()
        assert not looks_like_card_number(text)


def test_few_random_references_look_like_card_numbers() -> None:
    """Of numbers of 8 to 20 digits, at most one in 50; of two with a hyphen between, the same."""
    dice = random.Random(7)  # noqa: S311
    found = 0
    for _ in range(20_000):
        digits = str(dice.randrange(10 ** dice.randint(7, 19), 10**20))[: dice.randint(8, 20)]
        found += looks_like_card_number(digits)
        found += looks_like_card_number(f"{digits[:5]}-{digits[5:]}")
    assert found < 40_000 / 50


@pytest.mark.parametrize(
    "unit",
    [
        "a\u0301",
        "\u0301\u0316",  # of two classes, which a normalization sorts
        "\u0301",
        "\ufdfa",
        "4\u0301",
        "4",
        "4 ",
        "4242 ",
        "4242424242424241 ",
        "4-",
        "\u0664\u2011",
        "\U0001d7f6",
        "4     ",
        "424242424242",
        "a",
    ],
)
def test_the_search_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.process_time()
        looks_like_card_number(text)
        return time.process_time() - started

    small, large = min(seconds(32_768) for _ in range(3)), seconds(524_288)
    assert large < 2.0
    assert large < 64 * small + 0.05
