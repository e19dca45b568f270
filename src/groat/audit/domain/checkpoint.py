"""Checkpoints of the log and proofs about it, in the text formats of C2SP. Pure.

A checkpoint (c2sp.org/tlog-checkpoint) is a signed note with the name, the size and the root of the
log. A proof of inclusion is a c2sp.org/tlog-proof; its extra data are the bytes of the record. A
proof of consistency has the form that c2sp.org/tlog-witness gives to ``add-checkpoint``, so that
a witness takes it as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Self

from groat.audit.domain.note import NotSigned, SigningKey, VerifierKey, opened, signed
from groat.audit.domain.record import leaf_hash
from groat.audit.domain.tree import (
    HASH_BYTES,
    ProofMismatch,
    require_consistency,
    root_of_inclusion,
)
from groat.kernel.value import Value

_PROOF_HEADING = "c2sp.org/tlog-proof@v1"


class Checkpoint(Value):
    """A log at one moment: its name (``origin``), its number of leaves, and its root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text to sign."""
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\n"

    def signed_by(self, keys: Sequence[SigningKey]) -> str:
        """Return the checkpoint as a note that every one of ``keys`` signed."""
        return signed(self.text(), keys)

    @classmethod
    def opened(cls, note: str, trusted: Sequence[VerifierKey]) -> Self:
        """Return the checkpoint in a note that one of the ``trusted`` keys signed.

        Raises:
            NotSigned: no trusted key signed the note, or it is not the checkpoint of its log.
        """
        lines = opened(note, trusted).split("\n")
        try:
            origin, size, root = lines[0], _number(lines[1]), _hash(lines[2])
        except (IndexError, ValueError):
            raise NotSigned("the note is not a checkpoint: name, size and root of a log") from None
        if origin not in {key.name for key in trusted}:
            raise NotSigned(f"the checkpoint is of the log {origin[:100]!r}, not of the key's log")
        return cls(origin, size, root)


class InclusionProof(Value):
    """A record's canonical bytes, its place in the log, and its path to a signed checkpoint."""

    body: bytes
    index: int
    path: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """Return the proof as a file."""
        head = f"{_PROOF_HEADING}\nextra {_encoded(self.body)}\nindex {self.index}\n"
        return f"{head}{_lines(self.path)}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the proof in a file.

        Raises:
            ProofMismatch: the file is not a proof of inclusion.
        """
        head, _, note = text.partition("\n\n")
        try:
            heading, extra, index, *path = head.split("\n")
            body = base64.b64decode(_after("extra ", extra), validate=True)
            place, hashes = _number(_after("index ", index)), tuple(map(_hash, path))
        except ValueError:
            heading = ""
        if heading != _PROOF_HEADING:
            raise ProofMismatch("the file is not a c2sp.org/tlog-proof with the bytes of a record")
        return cls(body, place, hashes, note)

    def verified(self, trusted: Sequence[VerifierKey]) -> Checkpoint:
        """Return the signed checkpoint that the record is proved to be in.

        Raises:
            NotSigned: no trusted key signed the checkpoint.
            ProofMismatch: the record is not at this place of that log.
        """
        checkpoint = Checkpoint.opened(self.note, trusted)
        root = root_of_inclusion(leaf_hash(self.body), self.index, checkpoint.size, self.path)
        if root != checkpoint.root:
            raise ProofMismatch("the record is not in the checkpoint: the roots differ")
        return checkpoint


class ConsistencyProof(Value):
    """The path that proves that the log of a signed checkpoint extends the log of ``old`` size."""

    old: int
    path: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """Return the proof as a file."""
        return f"old {self.old}\n{_lines(self.path)}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the proof in a file.

        Raises:
            ProofMismatch: the file is not a proof of consistency.
        """
        head, _, note = text.partition("\n\n")
        try:
            size, *path = head.split("\n")
            return cls(_number(_after("old ", size)), tuple(map(_hash, path)), note)
        except ValueError:
            raise ProofMismatch("the file is not a proof of consistency") from None

    def verified(self, old: Checkpoint, trusted: Sequence[VerifierKey]) -> Checkpoint:
        """Return the signed checkpoint that is proved to extend ``old``.

        Raises:
            NotSigned: no trusted key signed the checkpoint.
            ProofMismatch: the checkpoint does not extend ``old``, or the proof is of another size.
        """
        checkpoint = Checkpoint.opened(self.note, trusted)
        if (self.old, checkpoint.origin) != (old.size, old.origin):
            raise ProofMismatch(f"the proof is of another log, or begins at size {self.old}")
        require_consistency(old.size, old.root, checkpoint.size, checkpoint.root, self.path)
        return checkpoint


def size_of(note: str) -> int:
    """Return the size of the log in one of our own checkpoints, without a check of signatures."""
    return _number(note.split("\n", 2)[1])


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _lines(hashes: Sequence[bytes]) -> str:
    return "".join(f"{_encoded(one)}\n" for one in hashes)


def _after(name: str, line: str) -> str:
    """Return the rest of a line that begins with ``name``."""
    if not line.startswith(name):
        raise ValueError(line)
    return line.removeprefix(name)


def _number(text: str) -> int:
    """Return the number in ASCII digits without leading zeros."""
    if not (text.isascii() and text.isdigit()) or str(int(text)) != text:
        raise ValueError(text)
    return int(text)


def _hash(text: str) -> bytes:
    content = base64.b64decode(text, validate=True)
    if len(content) != HASH_BYTES:
        raise ValueError(text)
    return content
