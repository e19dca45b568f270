"""Keys and secrets: envelope encryption, and keyed hashes of what is only ever compared.

A merchant's data key encrypts that merchant's credentials. The root key hashes and signs. The
master key, which is outside the database, wraps the data keys and the root key: it can be replaced
without changing what they have encrypted, hashed or signed.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce before the ciphertext. The additional data
names the row, so that a ciphertext copied to another row does not open.
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
_ANY_TEXT = "surrogatepass"  # also what JSON may hold and UTF-8 may not


class MasterKeys:
    """The master keys in force: the first one wraps, and each of them unwraps."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def new_key(self, row: bytes) -> bytes:
        """Return a new random key of 32 bytes, wrapped; ``row`` names its row."""
        return seal(self._keys[0], AESGCM.generate_key(bit_length=256), row)

    def unwrap(self, wrapped: bytes, row: bytes) -> bytes:
        """Return the key in ``wrapped``.

        Raises:
            ConfigurationError: ``wrong_master_key``; another master key has wrapped it, or it was
                wrapped for another row.
        """
        for key in self._keys[:-1]:
            with suppress(ConfigurationError):
                return unseal(key, wrapped, row)
        return unseal(self._keys[-1], wrapped, row)

    def rewrap(self, wrapped: bytes, row: bytes) -> bytes:
        """Return the key in ``wrapped``, wrapped with the first master key.

        Raises:
            ConfigurationError: as ``unwrap``.
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
        """Return the id of the row that an API secret opens: a UUIDv8 of its HMAC-SHA256."""
        return ids.version_8(hmac.digest(self._hash_key, b"id " + secret.encode(), "sha256")[:16])

    def hash_secret(self, secret: str, row: bytes) -> bytes:
        """Return the keyed hash that an API secret is compared by: HMAC-SHA256.

        ``row`` names its row, so that a hash that is copied to another row opens nothing.
        """
        return hmac.digest(self._hash_key, row + secret.encode(), "sha256")

    def derived_key(self, purpose: bytes) -> bytes:
        """Return the key of one purpose: 32 bytes that only holders of the root key can make."""
        return hmac.digest(self._root_key, b"groat key for " + purpose, "sha256")

    def sign(self, text: str, row: bytes) -> str:
        """Return ``text`` for a client to keep, and to hand back for the same row, unaltered.

        It can read it: the text is signed (HMAC-SHA256, to 128 bits), and not encrypted.
        """
        signed = text.encode(errors=_ANY_TEXT)
        return base64.urlsafe_b64encode(self._tag(signed, row) + signed).decode()

    def signed_text(self, signed: str, row: bytes) -> str | None:
        """Return the text in what ``sign`` returned for ``row``; None if it is anything else."""
        try:
            found = base64.b64decode(signed, altchars=b"-_", validate=True)
        except ValueError:  # also of what is not ASCII
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
        ConfigurationError: ``wrong_master_key``; the key or the row is another, or it was altered.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row)
    except (InvalidTag, ValueError):  # too short to hold a nonce is a ValueError
        raise ConfigurationError(
            "wrong_master_key",
            "GROAT_MASTER_KEY is not the key that this database's secrets were encrypted with.",
        ) from None
