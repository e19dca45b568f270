from __future__ import annotations

import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.providers.port import Rejection
from groat.providers.stripe.signature import TOLERANCE_SECONDS, verify

BODY = b'{"id":"evt_1","object":"event"}'
SECRET, OTHER_SECRET = "whsec_test_secret", "whsec_other_secret"
SIGNED_AT = 1700000000
SIGNATURE = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd"
HEADER = f"t={SIGNED_AT},v1={SIGNATURE}"
NOW = datetime.fromtimestamp(SIGNED_AT, UTC)

LATIN = st.binary(max_size=200).map(lambda header: header.decode("latin-1"))
NEARLY = st.text("tv01=,abcdef89 \x00é", max_size=80).map(f"t={SIGNED_AT},".__add__)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(SIGNED_AT + seconds, UTC)


def _sign(body: bytes, secret: str = SECRET, timestamp: str = str(SIGNED_AT)) -> str:
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def _verify(header: str | None, body: bytes = BODY) -> Rejection | None:
    return verify(header, body, [SECRET], NOW)


def test_a_known_signature_is_valid() -> None:
    assert _verify(HEADER) is None


@given(st.binary(), st.integers(0, 10**11))
def test_a_signed_body_is_accepted(body: bytes, at: int) -> None:
    header = f"t={at},v1={_sign(body, timestamp=str(at))}"
    assert verify(header, body, [SECRET], datetime.fromtimestamp(at, UTC)) is None


@given(st.none() | LATIN | NEARLY, st.binary())
def test_any_header_and_body_get_an_answer(header: str | None, body: bytes) -> None:
    assert isinstance(_verify(header, body), Rejection)


@given(st.data())
def test_one_changed_byte_of_the_body_is_detected(data: st.DataObject) -> None:
    body = bytearray(BODY)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    assert _verify(HEADER, bytes(body)) is Rejection.SIGNATURE_MISMATCH


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1]])
def test_a_longer_or_shorter_body_is_detected(body: bytes) -> None:
    assert _verify(HEADER, body) is Rejection.SIGNATURE_MISMATCH


@pytest.mark.parametrize("seconds", [0, 1, -1, TOLERANCE_SECONDS, -TOLERANCE_SECONDS])
def test_a_time_within_the_tolerance_is_accepted(seconds: int) -> None:
    assert verify(HEADER, BODY, [SECRET], _at(seconds)) is None


@pytest.mark.parametrize(
    "seconds", [TOLERANCE_SECONDS + 0.001, -TOLERANCE_SECONDS - 0.001, 10**9, -(10**9)]
)
def test_a_time_beyond_the_tolerance_is_refused(seconds: float) -> None:
    rejection = verify(HEADER, BODY, [SECRET], _at(seconds))
    assert rejection is Rejection.TIMESTAMP_OUTSIDE_TOLERANCE


def test_a_signature_for_another_time_is_refused() -> None:
    moved = f"t={SIGNED_AT + 1},v1={SIGNATURE}"
    assert _verify(moved) is Rejection.SIGNATURE_MISMATCH
    assert _verify(f"t={SIGNED_AT + 1},t={SIGNED_AT},v1={SIGNATURE}") is not None


@pytest.mark.parametrize(
    ("header", "rejection"),
    [
        (None, Rejection.SIGNATURE_MISSING),
        ("", Rejection.SIGNATURE_MISSING),
        (f"t={SIGNED_AT}", Rejection.SIGNATURE_MISSING),
        (f"t={SIGNED_AT},v0={SIGNATURE}", Rejection.SIGNATURE_MISSING),
        (f"t={SIGNED_AT},v11={SIGNATURE}", Rejection.SIGNATURE_MISSING),
        (f"v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"v1={SIGNATURE},t={SIGNED_AT}", Rejection.SIGNATURE_MALFORMED),
        (f"t=,v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"t=soon,v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"t=-1,v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"t=1e9,v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"t={'9' * 5000},v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"t=\u0661,v1={SIGNATURE}", Rejection.SIGNATURE_MALFORMED),
        (f"{HEADER},", Rejection.SIGNATURE_MALFORMED),
        (f"t={'9' * 12},v1={SIGNATURE}", Rejection.TIMESTAMP_OUTSIDE_TOLERANCE),
        (f"t={SIGNED_AT},v1=", Rejection.SIGNATURE_MISMATCH),
        (f"t={SIGNED_AT},v1={SIGNATURE.upper()}", Rejection.SIGNATURE_MISMATCH),
        (f"t={SIGNED_AT},v1={SIGNATURE[:-1]}", Rejection.SIGNATURE_MISMATCH),
        (f"t={SIGNED_AT},v1={SIGNATURE}\n", Rejection.SIGNATURE_MISMATCH),
        (f"t={SIGNED_AT},v1=\xe9", Rejection.SIGNATURE_MISMATCH),
        (f"t={SIGNED_AT},v0={SIGNATURE},v1={'0' * 64}", Rejection.SIGNATURE_MISMATCH),
    ],
)
def test_every_other_header_is_refused_with_its_reason(
    header: str | None, rejection: Rejection
) -> None:
    assert _verify(header) is rejection


@pytest.mark.parametrize("right", [0, 1, 31, 32, 49])
def test_one_valid_signature_among_fifty_is_enough(right: int) -> None:
    given_signatures = [f"v1={'0' * 64}"] * 50
    given_signatures[right] = f"v1={SIGNATURE}"
    assert _verify(",".join([f"t={SIGNED_AT}", *given_signatures])) is None


@pytest.mark.parametrize(("length", "rejection"), [(8192, None), (8193, "signature_malformed")])
def test_a_header_is_read_up_to_a_limit(length: int, rejection: str | None) -> None:
    filler = "0" * (length - len(HEADER) - len(",v1="))
    assert _verify(f"t={SIGNED_AT},v1={filler},v1={SIGNATURE}") == rejection


def test_another_scheme_beside_a_valid_signature_is_ignored() -> None:
    assert _verify(f"t={SIGNED_AT},v0=abc,v1={SIGNATURE},v2=def") is None


@pytest.mark.parametrize(
    "secrets", [[SECRET, OTHER_SECRET], [OTHER_SECRET, SECRET], [SECRET, SECRET]]
)
def test_during_a_rotation_either_secret_is_accepted(secrets: list[str]) -> None:
    assert verify(HEADER, BODY, secrets, NOW) is None


def test_a_body_signed_with_two_secrets_is_accepted_with_one_of_them() -> None:
    header = f"t={SIGNED_AT},v1={_sign(BODY, OTHER_SECRET)},v1={SIGNATURE}"
    assert verify(header, BODY, [SECRET], NOW) is None


@pytest.mark.parametrize("secrets", [[], [OTHER_SECRET], [SECRET.removeprefix("whsec_")]])
def test_no_signature_is_accepted_without_the_right_secret(secrets: list[str]) -> None:
    assert verify(HEADER, BODY, secrets, NOW) is Rejection.SIGNATURE_MISMATCH
