"""The places that checkpoints are published to: files, directories, and witnesses over HTTP."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from groat.audit.domain.checkpoint import ConsistencyProof
from groat.kernel.errors import Conflict, Unavailable

_TIMEOUT_SECONDS = 10.0
"""Maximum seconds for a witness to answer."""

_MOST_BYTES = 64 * 1024
"""Maximum bytes of an answer that are read."""


def write(target: str, size: int, note: str) -> None:
    """Write a checkpoint into a directory, or replace a file by it.

    A ``target`` that ends with a slash or exists as a directory takes a file for each size. Names
    sort by size. A reader of a file sees the old checkpoint or the new one, never a part.

    Raises:
        OSError: the file cannot be written.
    """
    path = Path(target)
    if target.endswith("/") or path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path /= f"{size:020}.checkpoint"
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(note, encoding="utf-8")
    new.replace(path)


async def add_checkpoint(witness: str, proof: ConsistencyProof) -> list[str] | int:
    """Submit a checkpoint to a witness (c2sp.org/tlog-witness).

    Return the lines that the witness signed. If the witness knows the log at another size than the
    proof begins at, return that size.

    Raises:
        Unavailable: ``witness_unavailable``; the witness did not answer.
        Conflict: ``witness_refused``; it does not know the log or its key, or it has seen another
            log of this size.
    """
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
            answer = await client.post(
                f"{witness.rstrip('/')}/add-checkpoint", content=proof.text().encode()
            )
    except httpx.HTTPError as error:
        raise Unavailable(
            "witness_unavailable", f"The witness {witness} did not answer: {type(error).__name__}."
        ) from error
    text = answer.text[:_MOST_BYTES]
    if answer.status_code == httpx.codes.OK:
        return text.splitlines(keepends=True)
    if answer.status_code == httpx.codes.CONFLICT and text.strip().isdecimal():
        return int(text)
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable(
            "witness_unavailable", f"The witness {witness} answered {answer.status_code}."
        )
    raise Conflict(
        "witness_refused",
        f"The witness {witness} answered {answer.status_code} {text[:200]!r}. It must know the "
        "verifier key, and must not have seen another log of this name.",
    )
