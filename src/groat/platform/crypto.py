"""Keys and secrets: envelope encryption, keyed hashes and signatures.

A merchant's data key encrypts that merchant's credentials. The root key hashes secrets that are
only ever compared, and signs. The master key, which is outside the database, wraps the data keys
and the root key. So the master key can be replaced while all encrypted, hashed and signed data
stays as it is.

The cipher is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce before the ciphertext. The
additional data names the row, so that a ciphertext copied to another row cannot be decrypted.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from groat.kernel import ids
from groat.kernel.errors import ConfigurationError

_NONCE_BYTES = 12
_TAG_BYTES = 16
_ANY_TEXT = "surrogatepass"  # JSON may hold lone surrogates, which UTF-8 may not


class MasterKeys:
    """The master keys in force. The first key wraps, and all keys unwrap."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def new_key(self, row: bytes) -> bytes:
        """Return a new random key of 32 bytes, wrapped for the row that ``row`` names."""
        return seal(self._keys[0], AESGCM.generate_key(bit_length=256), row)

    def unwrap(self, wrapped: bytes, row: bytes) -> bytes:
        """Return the key in ``wrapped``.

        Raises:
            ConfigurationError: ``wrong_master_key``; the key was wrapped with another master key
                or for another row.
        """
        for key in self._keys[:-1]:
            with suppress(ConfigurationError):
                return unseal(key, wrapped, row)
        return unseal(self._keys[-1], wrapped, row)

    def rewrap(self, wrapped: bytes, row: bytes) -> bytes:
        """Return the key in ``wrapped``, rewrapped with the first master key.

        Raises:
            ConfigurationError: the same as ``unwrap``.
        """
        return seal(self._keys[0], self.unwrap(wrapped, row), row)


class Vault:
    """Holds the master keys and the root key: wraps data keys, hashes API secrets, and signs."""

    def __init__(self, master_keys: MasterKeys, root_key: bytes) -> None:
        self.master_keys = master_keys
        self._root_key = root_key
        self._hash_key = hmac.digest(root_key, b"groat api key hash", "sha256")
        self._signing_key = hmac.digest(root_key, b"groat signed text", "sha256")

    def id_of_secret(self, secret: str) -> UUID:
        """Return the id of an API secret's row: a UUIDv8 of its HMAC-SHA256."""
        return ids.version_8(hmac.digest(self._hash_key, b"id " + secret.encode(), "sha256")[:16])

    def hash_secret(self, secret: str, row: bytes) -> bytes:
        """Return the keyed hash (HMAC-SHA256) that is stored and compared instead of an API secret.

        ``row`` names its row, so that a hash copied to another row matches no secret.
        """
        return hmac.digest(self._hash_key, row + secret.encode(), "sha256")

    def derived_key(self, purpose: bytes) -> bytes:
        """Return the key for one purpose: 32 bytes, derived from the root key."""
        return hmac.digest(self._root_key, b"groat key for " + purpose, "sha256")

    def sign(self, text: str, row: bytes) -> str:
        """Return ``text`` with a signature, for a client to keep and send back for the same row.

        The text is signed (HMAC-SHA256, cut to 128 bits) but not encrypted: the client can read it.
        """
        signed = text.encode(errors=_ANY_TEXT)
        return base64.urlsafe_b64encode(self._tag(signed, row) + signed).decode()

    def signed_text(self, signed: str, row: bytes) -> str | None:
        """Return the text that ``sign`` signed for ``row``, or None if the signature is wrong."""
        try:
            found = base64.b64decode(signed, altchars=b"-_", validate=True)
        except ValueError:  # not base64, or not ASCII
            return None
        tag, text = found[:_TAG_BYTES], found[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(text, row)):
            return None
        return text.decode(errors=_ANY_TEXT)

    def _tag(self, text: bytes, row: bytes) -> bytes:
        key = hmac.digest(self._signing_key, row, "sha256")
        return hmac.digest(key, text, "sha256")[:_TAG_BYTES]


def seal(key: bytes, plaintext: bytes, row: bytes) -> bytes:
    """Return nonce and ciphertext of ``plaintext``, bound to ``row``."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, row)


def unseal(key: bytes, sealed: bytes, row: bytes) -> bytes:
    """Return the plaintext that ``seal`` was given.

    Raises:
        ConfigurationError: ``wrong_master_key``; the key or the row differs, or ``sealed`` was
            altered.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row)
    except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
        raise ConfigurationError(
            "wrong_master_key",
            "GROAT_MASTER_KEY is not the key that this database's secrets were encrypted with.",
        ) from None
