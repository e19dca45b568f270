"""The publisher: brings checkpoints to places that the database's owner cannot reach."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from groat.audit.domain.checkpoint import ConsistencyProof, size_of
from groat.audit.domain.note import is_signature
from groat.audit.infrastructure import log as store
from groat.audit.infrastructure import targets as places
from groat.audit.service.keys import no_log
from groat.audit.service.proofs import LogProofs
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, GroatError
from groat.platform.postgres.database import Database

_ATTEMPTS = 3
"""Submissions of one checkpoint to a witness. Another process may submit a newer one meanwhile."""


class CheckpointPublisher:
    """Publishes the newest checkpoint to a file, a directory or a witness.

    ``targets`` are the places that ``publish_all`` publishes to.
    """

    def __init__(
        self, database: Database, proofs: LogProofs, clock: Clock, targets: Sequence[str]
    ) -> None:
        self._database = database
        self._proofs = proofs
        self._clock = clock
        self._targets = targets

    async def publish_all(self) -> int:
        """Publish the newest checkpoint to all targets; return 0, as no more work is due.

        Raises:
            GroatError: a target took no checkpoint; the others did, if they could.
        """
        failure: Exception | None = None
        for target in self._targets:
            try:
                await self.publish(target)
            except (GroatError, OSError) as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return 0

    async def publish(self, target: str) -> int:
        """Publish the newest checkpoint to ``target``; return the size of the log in it.

        A target that begins with http:// or https:// is a witness. One that ends with a slash or
        exists as a directory takes a file for each checkpoint. Any other is a file, which is
        replaced.

        Raises:
            Conflict: ``audit_log_missing``, ``log_is_shorter`` or ``witness_refused``.
            Unavailable: ``witness_unavailable``.
            OSError: the file cannot be written.
        """
        if target.startswith(("http://", "https://")):
            return await self._witness(target)
        found = await self._proofs.checkpoints(before=None, limit=1)
        if not found:
            raise no_log()
        newest = found[0]
        await asyncio.to_thread(places.write, target, newest.size, newest.note)
        return newest.size

    async def _witness(self, target: str) -> int:
        """Submit the newest checkpoint, from the size on that the witness knows."""
        known = 0
        for _ in range(_ATTEMPTS):
            proof = await self._proofs.consistency(known)
            answer = await places.add_checkpoint(target, proof)
            if isinstance(answer, list):
                return await self._keep(proof, answer)
            known = answer
        raise Conflict("witness_refused", f"The witness {target} names another size each time.")

    async def _keep(self, proof: ConsistencyProof, lines: Sequence[str]) -> int:
        """Store the lines that a witness signed under the checkpoint of a proof."""
        size = size_of(proof.note)
        signed = [line for line in lines if is_signature(line)]
        async with self._database.transaction() as connection:
            store.append_cosignatures(connection, size, signed, self._clock.now())
        return size
