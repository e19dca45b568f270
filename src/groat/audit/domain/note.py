"""Signed notes with Ed25519 keys, as c2sp.org/signed-note defines them. Pure.

A note is a text, an empty line, and a line for each signature. A key is written as a *verifier
key*, ``<name>+<key id>+<public key>``, which is all that a reader needs to check a signature.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from groat.kernel.value import Value

_ED25519 = b"\x01"
_ID_BYTES = 4
_DASH = "\u2014 "
_MAX_SIGNATURES = 64
"""Maximum signatures in a note. The format demands at least 16."""


class NotSigned(ValueError):
    """The note is malformed, or no trusted key signed it. The message says which."""


class VerifierKey(Value):
    """The name and the public part of a key that signs notes."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that name the key in a signature, beside its name."""
        hashed = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(hashed).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that ``text`` writes.

        Raises:
            NotSigned: the text is not a verifier key, or its parts do not fit each other.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            kind, public = _split(base64.b64decode(encoded, validate=True), 1)
            key = cls(name, public)
            Ed25519PublicKey.from_public_bytes(public)
        except ValueError:
            raise NotSigned(f"{text[:100]!r} is not <name>+<key id>+<public key>") from None
        if kind != _ED25519 or key.id.hex() != key_id or not is_key_name(name):
            raise NotSigned(f"the parts of the verifier key {text[:100]!r} do not fit each other")
        return key


class SigningKey:
    """A key that signs notes: its name and its private part."""

    def __init__(self, name: str, private: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(private)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw())

    def signature(self, text: str) -> str:
        """Return the line of a note that signs ``text``."""
        encoded = base64.b64encode(self.verifier.id + self._private.sign(text.encode())).decode()
        return f"{_DASH}{self.verifier.name} {encoded}\n"


def is_key_name(text: str) -> bool:
    """Tell whether ``text`` may name a key: no white space, no plus sign, and not empty."""
    return text.isprintable() and "+" not in text and text.split() == [text]


def is_signature(line: str) -> bool:
    """Tell whether ``line`` is the line of a signature, with its newline, by any key."""
    try:
        _signature(line.removesuffix("\n"))
    except NotSigned:
        return False
    return line.endswith("\n")


def signed(text: str, keys: Sequence[SigningKey]) -> str:
    """Return the note that holds ``text``, which ends with a newline, signed by every key."""
    return f"{text}\n{''.join(key.signature(text) for key in keys)}"


def opened(note: str, trusted: Sequence[VerifierKey]) -> str:
    """Return the text of a note that a trusted key signed. Unknown signatures are ignored.

    Raises:
        NotSigned: the note is malformed, has no signature of a trusted key, or a wrong one.
    """
    text, lines = _parts(note)
    known = {(key.name, key.id): key for key in trusted}
    verified = False
    for name, signature in lines:
        key_id, value = _split(signature, _ID_BYTES)
        key = known.get((name, key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(value, text.encode())
        except InvalidSignature:
            raise NotSigned(f"the signature by {key} is wrong") from None
        verified = True
    if not verified:
        raise NotSigned("no trusted key signed the note")
    return text


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text of a note, and the name and the bytes of each signature."""
    text, separator, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not separator or lines.pop() or not 0 < len(lines) <= _MAX_SIGNATURES:
        raise NotSigned("this is not a text, an empty line and lines with signatures")
    if any(character < " " and character != "\n" for character in note):
        raise NotSigned("the note holds control characters")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except ValueError:
        signature = b""
    if not line.startswith(_DASH) or not is_key_name(name) or len(signature) <= _ID_BYTES:
        raise NotSigned(f"{line[:100]!r} is not the line of a signature")
    return name, signature


def _split(content: bytes, at: int) -> tuple[bytes, bytes]:
    return content[:at], content[at:]
