from __future__ import annotations

import base64
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.errors import ConfigurationError
from groat.platform.crypto import MasterKeys, Vault, seal, unseal

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def vault(root_key: bytes) -> Vault:
    return Vault(MasterKeys([KEY]), root_key)


def _assert_closed(key: bytes, sealed: bytes, row: bytes) -> None:
    with pytest.raises(ConfigurationError) as refused:
        unseal(key, sealed, row)
    assert refused.value.code == "wrong_master_key"


@given(st.binary(), st.binary())
def test_a_sealed_value_opens_for_its_row(plaintext: bytes, row: bytes) -> None:
    assert unseal(KEY, seal(KEY, plaintext, row), row) == plaintext


def test_the_nonce_comes_first_and_is_always_new() -> None:
    sealed = [seal(KEY, b"secret", b"row") for _ in range(50)]
    assert len({one[:12] for one in sealed}) == 50
    assert AESGCM(KEY).decrypt(sealed[0][:12], sealed[0][12:], b"row") == b"secret"


def test_a_sealed_value_does_not_open_with_another_key_or_row() -> None:
    sealed = seal(KEY, b"secret", b"row")
    _assert_closed(OTHER_KEY, sealed, b"row")
    _assert_closed(KEY, sealed, b"another row")


@given(st.data())
def test_one_changed_bit_anywhere_prevents_opening(data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, b"secret", b"row"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    _assert_closed(KEY, bytes(sealed), b"row")


@given(st.binary(max_size=60))
def test_any_other_bytes_do_not_open(sealed: bytes) -> None:
    _assert_closed(KEY, sealed, b"row")


def test_keys_are_new_wrapped_and_bound_to_their_row() -> None:
    keys = MasterKeys([KEY])
    first, second = keys.new_key(b"merchant"), keys.new_key(b"merchant")
    key = keys.unwrap(first, b"merchant")
    assert len(key) == 32
    assert key not in first
    assert key != keys.unwrap(second, b"merchant")
    with pytest.raises(ConfigurationError):
        keys.unwrap(first, b"another merchant")
    with pytest.raises(ConfigurationError):
        MasterKeys([OTHER_KEY]).unwrap(first, b"merchant")


def test_the_first_master_key_wraps_and_each_of_them_unwraps() -> None:
    old, new, both = MasterKeys([KEY]), MasterKeys([OTHER_KEY]), MasterKeys([OTHER_KEY, KEY])
    wrapped = old.new_key(b"merchant")
    key = old.unwrap(wrapped, b"merchant")
    assert both.unwrap(wrapped, b"merchant") == key
    rewrapped = both.rewrap(wrapped, b"merchant")
    assert new.unwrap(rewrapped, b"merchant") == key
    assert both.unwrap(rewrapped, b"merchant") == key
    with pytest.raises(ConfigurationError):
        old.unwrap(rewrapped, b"merchant")


def test_secrets_are_hashed_under_the_root_key() -> None:
    secret = secrets.token_urlsafe()
    hashed = vault(KEY).hash_secret(secret, b"row")
    assert len(hashed) == 32
    assert hashed == vault(KEY).hash_secret(secret, b"row")
    assert hashed != vault(KEY).hash_secret(secret + "x", b"row")
    assert hashed != vault(KEY).hash_secret(secret, b"another row")
    assert hashed != vault(OTHER_KEY).hash_secret(secret, b"row")
    assert vault(KEY).id_of_secret(secret) == vault(KEY).id_of_secret(secret)
    assert vault(KEY).id_of_secret(secret) != vault(OTHER_KEY).id_of_secret(secret)


@given(st.text() | st.text("a\0ä\ud800\udfff"), st.binary())
def test_a_signed_text_is_returned_for_its_row(text: str, row: bytes) -> None:
    ours = vault(KEY)
    signed = ours.sign(text, row)
    assert ours.signed_text(signed, row) == text
    assert ours.signed_text(signed, row + b"x") is None
    assert vault(OTHER_KEY).signed_text(signed, row) is None


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    assert vault(KEY).signed_text(text, b"row") is None


@given(st.data())
def test_one_changed_bit_anywhere_invalidates_the_signature(data: st.DataObject) -> None:
    signed = bytearray(base64.urlsafe_b64decode(vault(KEY).sign("from here", b"row")))
    at = data.draw(st.integers(0, len(signed) - 1))
    signed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert vault(KEY).signed_text(base64.urlsafe_b64encode(signed).decode(), b"row") is None
