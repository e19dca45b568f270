"""The host of Slate: charges in memory, each call carried out once for its key, and webhooks.

It answers every call with 202 and no outcome. Whoever serves it takes the webhooks from ``sent``.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from groat.providers.conformance.harness import Fault, SentWebhook

KEY, SECRET = "slate_key", "slate_secret"
GOOD, POOR, GRIM = "chalk_white", "chalk_poor", "chalk_grim"
_DECLINED = {POOR: "no_funds", GRIM: "no_reason"}
_SLOW_SECONDS = 1.2


class Cut(Response):
    """An answer that breaks off before the end that it announces."""

    def __init__(self) -> None:
        super().__init__(headers={"content-length": "1"})


@dataclass
class Slate:
    """One account with its charges and refunds. ``calls`` counts the calls that arrived."""

    fault: Fault | None = None
    calls: int = 0
    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    sent: list[SentWebhook] = field(default_factory=list)
    _answers: dict[str, Response] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/charges", self._once, methods=["POST"]),
                Route("/charges/{id}/{verb}", self._once, methods=["POST"]),
            ]
        )

    def dispute(self, charge: dict[str, Any]) -> None:
        """Let the customer dispute a charge."""
        self._tell({**charge, "status": "disputed", "reference": "", "reason": None})

    def take_sent(self) -> list[SentWebhook]:
        taken, self.sent = self.sent, []
        return taken

    async def _once(self, request: Request) -> Response:
        self.calls += 1
        fault, key = self.fault, request.headers["idempotency-key"]
        if request.headers["authorization"] != KEY:
            return Response(status_code=401)
        refused = {Fault.RATE_LIMITED: 429, Fault.UNAVAILABLE: 503}
        if fault in refused:
            return Response(status_code=refused[fault])
        if fault is Fault.CUT_BEFORE:
            return Cut()
        if key not in self._answers:
            body = json.loads(await request.body())
            self._answers[key] = self._done(request.path_params, body)
        return await self._after(fault, self._answers[key])

    async def _after(self, fault: Fault | None, answer: Response) -> Response:
        match fault:
            case Fault.CUT_AFTER:
                return Cut()
            case Fault.HTML:
                return HTMLResponse("<title>Please stand by</title>")
            case Fault.BROKEN:
                return Response(status_code=500)
            case Fault.SLOW:
                await asyncio.sleep(_SLOW_SECONDS)
            case _:
                pass
        return answer

    def _done(self, path: dict[str, str], body: dict[str, Any]) -> Response:
        if not path:
            return self._begin(body)
        charge = self.charges.get(path["id"], {"status": "unheard of"})
        match path["verb"], charge["status"]:
            case "take", "reserved" if body["amount"] <= charge["amount"]:
                charge.update(status="taken", amount=body["amount"])
                self._tell(charge)
            case "release", "reserved":
                charge.update(status="released")
                self._tell(charge)
            case "return", "taken" if body["amount"] <= self._left(charge):
                refund = {"id": self._id("return"), **body}
                self.refunds.append({"charge": charge["id"], **refund})
                self._tell(charge, refund)
            case _:
                return Response(status_code=422)
        return Response(status_code=202)

    def _begin(self, body: dict[str, Any]) -> Response:
        token, take = body.pop("token"), body.pop("take")
        if not token.startswith("chalk_"):
            return Response(status_code=422)
        reason, charge_id = _DECLINED.get(token), self._id("charge")
        status = "declined" if reason else "taken" if take else "reserved"
        charge = {"id": charge_id, "status": status, "reason": reason, **body}
        self.charges[charge_id] = charge
        self._tell(charge)
        return PlainTextResponse(charge_id, status_code=202)

    def _left(self, charge: dict[str, Any]) -> int:
        given = [one["amount"] for one in self.refunds if one["charge"] == charge["id"]]
        left: int = charge["amount"] - sum(given)
        return left

    def _tell(self, charge: dict[str, Any], refund: dict[str, Any] | None = None) -> None:
        kind = "refund" if refund else charge["status"]
        event = {"id": self._id("event"), "type": kind, "charge": charge, "refund": refund}
        body = json.dumps(event).encode()
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        times = 2 if self.fault is Fault.DUPLICATE else 1
        self.sent += [SentWebhook({"slate-signature": signature}, body)] * times

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._ids)}"
