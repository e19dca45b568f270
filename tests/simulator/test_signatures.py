from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from groat.simulator.signatures import (
    paypal_signature,
    paypal_signature_is_valid,
    paypal_signed_text,
    stripe_signature,
)

BODY = b'{"id":"evt_1","object":"event"}'


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def test_stripe_signature_vector() -> None:
    header = stripe_signature("whsec_test_secret", BODY, 1700000000)
    digest = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd"
    assert header == f"t=1700000000,v1={digest}"


def test_paypal_signed_text_vector() -> None:
    text = paypal_signed_text(
        "69cd13f0-d67a-11e5-baa3-778b53f4ae55", "2016-02-18T20:01:35Z", "1JE4291016473214C", BODY
    )
    assert text == (
        "69cd13f0-d67a-11e5-baa3-778b53f4ae55|2016-02-18T20:01:35Z|1JE4291016473214C|2443126153"
    )


def test_paypal_signature_is_valid_for_its_own_text_alone(key: RSAPrivateKey) -> None:
    signature = paypal_signature(key, "a|b|c|1")
    assert paypal_signature_is_valid(key.public_key(), signature, "a|b|c|1")
    assert not paypal_signature_is_valid(key.public_key(), signature, "a|b|c|2")


@pytest.mark.parametrize("signature", ["", "é", "not base 64", base64.b64encode(b"x").decode()])
def test_a_malformed_signature_is_invalid(key: RSAPrivateKey, signature: str) -> None:
    assert not paypal_signature_is_valid(key.public_key(), signature, "a|b|c|1")
