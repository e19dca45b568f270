"""A witness as c2sp.org/tlog-witness describes it: it signs a log only if the log has grown."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.audit.domain.checkpoint import Checkpoint, ConsistencyProof
from groat.audit.domain.note import NotSigned, SigningKey, VerifierKey, opened
from groat.audit.domain.tree import ProofMismatch


@dataclass
class Witness:
    """A witness that trusts one log. ``known`` is the last checkpoint that it signed."""

    log: VerifierKey
    key: SigningKey = field(default_factory=lambda: SigningKey("witness.example", bytes(32)))
    known: Checkpoint | None = None
    is_down: bool = False

    async def add(self, request: Request) -> Response:
        if self.is_down:
            return Response(status_code=500)
        proof = ConsistencyProof.parse((await request.body()).decode())
        try:
            found = Checkpoint.opened(proof.note, [self.log])
        except NotSigned:
            return Response(status_code=403)
        known = self.known or Checkpoint(self.log.name, 0, b"")
        if proof.old != known.size:
            return Response(
                f"{known.size}\n", status_code=409, headers={"content-type": "text/x.tlog.size"}
            )
        try:
            self.known = proof.verified(known, [self.log])
        except ProofMismatch:
            return Response(status_code=422)
        assert self.known == found
        return Response(self.key.signature(opened(proof.note, [self.log])))

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/add-checkpoint", self.add, methods=["POST"])])
