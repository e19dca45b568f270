"""Check a proof of the audit log. This file needs nothing of Groat: read it, and keep it.

    python check_audit_proof.py PROOF VERIFIER_KEY                  a record is in the log
    python check_audit_proof.py PROOF VERIFIER_KEY OLD_CHECKPOINT   the log only grew since then

It needs Python 3.11 and the package `cryptography`. The steps are those of RFC 9162, sections
2.1.3.2 and 2.1.4.2. The formats are c2sp.org/signed-note, c2sp.org/tlog-checkpoint,
c2sp.org/tlog-proof and c2sp.org/tlog-witness.
"""

import base64
import hashlib
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """The proof does not hold."""


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbours in the tree."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def checkpoint(note: str, verifier_key: str) -> tuple[str, int, bytes]:
    """Return name, size and root of the log in a checkpoint, after a check of its signature."""
    name, key_id, encoded = verifier_key.strip().split("+", 2)
    key = base64.b64decode(encoded)
    expected_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if key[:1] != b"\x01" or expected_id.hex() != key_id:
        raise Wrong("this is not an Ed25519 verifier key")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        content = base64.b64decode(signature)
        if (dash, signer, content[:4]) == ("\u2014", name, expected_id):
            try:
                Ed25519PublicKey.from_public_bytes(key[1:]).verify(content[4:], text.encode())
            except InvalidSignature:
                raise Wrong("the signature of the checkpoint is wrong") from None
            break
    else:
        raise Wrong("the key did not sign this checkpoint")
    origin, size, root = text.split("\n")[:3]
    if origin != name:
        raise Wrong("the checkpoint belongs to another log")
    return origin, int(size), base64.b64decode(root)


def climb(at: int, last: int, start: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Follow a path from node ``at`` to the root; return the root without and with later nodes."""
    old = new = start
    for sibling in path:
        if last == 0:
            raise Wrong("the path is too long")
        if at % 2 or at == last:
            old, new = node(sibling, old), node(sibling, new)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            new = node(new, sibling)
        at, last = at // 2, last // 2
    if last:
        raise Wrong("the path is too short")
    return old, new


def check_inclusion(proof: str, verifier_key: str) -> str:
    """Check that a record is in the log."""
    head, _, note = proof.partition("\n\n")
    heading, extra, place, *lines = head.split("\n")
    if heading != "c2sp.org/tlog-proof@v1":
        raise Wrong("this is not a proof of inclusion")
    record = base64.b64decode(extra.removeprefix("extra "))
    index = int(place.removeprefix("index "))
    origin, size, root = checkpoint(note, verifier_key)
    if not 0 <= index < size:
        raise Wrong("the log has no such place")
    leaf = hashlib.sha256(b"\x00" + record).digest()
    _, found = climb(index, size - 1, leaf, [base64.b64decode(line) for line in lines])
    if found != root:
        raise Wrong("the path does not lead to the root of the checkpoint")
    return f"{record.decode()}\nThis is record {index} of {size} in the log {origin}."


def check_consistency(proof: str, verifier_key: str, old_note: str) -> str:
    """Check that the log still begins with the records of an old checkpoint."""
    head, _, note = proof.partition("\n\n")
    first, *lines = head.split("\n")
    origin, old_size, old_root = checkpoint(old_note, verifier_key)
    _, size, root = checkpoint(note, verifier_key)
    if first != f"old {old_size}" or not 0 < old_size <= size:
        raise Wrong("the proof does not begin at the old checkpoint")
    path = [base64.b64decode(line) for line in lines]
    if old_size & (old_size - 1) == 0 or old_size == size:
        path.insert(0, old_root)
    if not path:
        raise Wrong("the path is too short")
    at, last = old_size - 1, size - 1
    while at % 2 or (at and at == last):
        at, last = at // 2, last // 2
    if climb(at, last, path[0], path[1:]) != (old_root, root):
        raise Wrong("the log of today does not extend the old checkpoint")
    return f"The log {origin} of {size} records extends the one of {old_size}."


def main(proof: str, verifier_key: str, old: str = "") -> int:
    """Check the files; return the exit code."""
    text = Path(proof).read_text(encoding="utf-8")
    try:
        if old:
            print(check_consistency(text, verifier_key, Path(old).read_text(encoding="utf-8")))
        else:
            print(check_inclusion(text, verifier_key))
    except (Wrong, ValueError) as error:
        print(f"The proof does not hold: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
