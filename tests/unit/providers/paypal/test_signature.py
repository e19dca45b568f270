from __future__ import annotations

import base64
import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.value import replace
from groat.providers.paypal.signature import Transmission, is_signed, read_transmission
from groat.providers.port import Rejection
from tests.support.paypal_certificates import (
    elliptic_identity,
    identity,
    leaf,
    other_identity,
)

BODY = b'{"id":"evt_1","object":"event"}'
WEBHOOK_ID = "1JE4291016473214C"
UNSIGNED = Transmission(
    id="69cd13f0-d67a-11e5-baa3-778b53f4ae55",
    time="2016-02-18T20:01:35Z",
    certificate_url="https://api.paypal.com/v1/notifications/certs/CERT-1",
    signature=b"",
)
TEXT = b"69cd13f0-d67a-11e5-baa3-778b53f4ae55|2016-02-18T20:01:35Z|1JE4291016473214C|2443126153"
HEADERS = {
    "paypal-transmission-id": UNSIGNED.id,
    "paypal-transmission-time": UNSIGNED.time,
    "paypal-cert-url": UNSIGNED.certificate_url,
    "paypal-auth-algo": "SHA256withRSA",
    "paypal-transmission-sig": base64.b64encode(b"signature").decode(),
}
LATIN = st.binary(max_size=40).map(lambda value: value.decode("latin-1"))


def _signed(text: bytes = TEXT, key: RSAPrivateKey | None = None) -> Transmission:
    signature = (key or identity().key).sign(text, PKCS1v15(), SHA256())
    return replace(UNSIGNED, signature=signature)


def _believed(transmission: Transmission, body: bytes = BODY) -> bool:
    return is_signed(transmission, body, WEBHOOK_ID, leaf(identity()))


def test_the_signed_text_equals_the_test_vector() -> None:
    assert UNSIGNED.signed_text(WEBHOOK_ID, BODY) == TEXT


def test_the_checksum_is_unsigned_and_decimal() -> None:
    assert UNSIGNED.signed_text("W", b"").endswith(b"|W|0")
    assert zlib.crc32(BODY) > 2**31
    assert UNSIGNED.signed_text("W", BODY).endswith(b"|W|2443126153")


def test_a_paypal_signature_is_accepted() -> None:
    assert _believed(_signed())


@given(st.data())
def test_one_changed_byte_of_the_body_is_detected(data: st.DataObject) -> None:
    body = bytearray(BODY)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    assert not _believed(_signed(), bytes(body))


@pytest.mark.parametrize(
    "changed",
    [
        replace(_signed(), id="another"),
        replace(_signed(), time="2016-02-18T20:01:36Z"),
        replace(_signed(), signature=b""),
        replace(_signed(), signature=_signed().signature[:-1]),
        replace(_signed(), signature=_signed().signature + b"\x00"),
        replace(_signed(), signature=b"\x00" * 256),
        _signed(b""),
        _signed(key=other_identity().key),
    ],
)
def test_any_other_change_is_detected(changed: Transmission) -> None:
    assert not _believed(changed)


def test_the_url_of_the_certificate_is_not_signed() -> None:
    """Hence it has to be judged by itself: see ``certificates``."""
    assert _believed(replace(_signed(), certificate_url="https://elsewhere.example/"))


def test_a_signature_for_another_webhook_is_refused() -> None:
    assert not is_signed(_signed(), BODY, "another", leaf(identity()))


def test_other_paddings_and_hashes_are_refused() -> None:
    key = identity().key
    pss = key.sign(TEXT, PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH), SHA256())
    sha1 = key.sign(TEXT, PKCS1v15(), SHA1())  # noqa: S303 - this is the weak one to be refused
    assert not _believed(replace(UNSIGNED, signature=pss))
    assert not _believed(replace(UNSIGNED, signature=sha1))


def test_a_key_of_another_kind_is_refused() -> None:
    elliptic = elliptic_identity()
    signature = elliptic.key.sign(TEXT, ec.ECDSA(SHA256()))
    transmission = replace(UNSIGNED, signature=signature)
    assert not is_signed(transmission, BODY, WEBHOOK_ID, elliptic.certificate)


@given(st.binary(max_size=600), st.binary(max_size=40))
def test_any_signature_and_body_get_an_answer(signature: bytes, body: bytes) -> None:
    assert not _believed(replace(UNSIGNED, signature=signature), body)


def test_headers_are_read_unchanged() -> None:
    assert read_transmission(HEADERS) == replace(UNSIGNED, signature=b"signature")


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_or_empty_header_is_named(name: str, empty: bool) -> None:  # noqa: FBT001 - a case
    headers = {key: value for key, value in HEADERS.items() if key != name}
    if empty:
        headers[name] = ""
    assert read_transmission(headers) is Rejection.SIGNATURE_MISSING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transmission-id", "a|b"),
        ("transmission-id", "a b"),
        ("transmission-id", "a" * 513),
        ("transmission-id", "\xe9"),
        ("transmission-time", "2016|"),
        ("transmission-time", "2016\n"),
        ("cert-url", "https://a/\t"),
        ("auth-algo", "SHA1withRSA"),
        ("auth-algo", "sha256withrsa"),
        ("auth-algo", "none"),
        ("transmission-sig", "not base 64"),
        ("transmission-sig", "\xe9"),
        ("transmission-sig", "a"),
        ("transmission-sig", "c2 ln"),
    ],
)
def test_a_malformed_header_is_named(name: str, value: str) -> None:
    headers = {**HEADERS, f"paypal-{name}": value}
    assert read_transmission(headers) is Rejection.SIGNATURE_MALFORMED


@given(st.dictionaries(st.sampled_from(list(HEADERS)), LATIN))
def test_any_headers_get_an_answer(changed: dict[str, str]) -> None:
    answer = read_transmission({**HEADERS, **changed})
    if isinstance(answer, Transmission):
        assert answer.signed_text("W", b"").count(b"|") == 3
    else:
        assert answer in {Rejection.SIGNATURE_MISSING, Rejection.SIGNATURE_MALFORMED}
