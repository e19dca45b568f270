"""A stand-in for Pebble: payments in memory, faults on demand, and its webhooks."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from groat.providers.conformance.harness import Fault, SentWebhook

KEY, SECRET = "pebble_key", "pebble_secret"
DECLINED = {"stone_poor": "no_funds", "stone_stolen": "stolen", "stone_grim": "no_reason"}
SLOW_SECONDS = 1.2


class Cut(Response):
    """An answer that breaks off before the end that it announces."""

    def __init__(self) -> None:
        super().__init__(headers={"content-length": "1"})


@dataclass
class Pebble:
    """One account with its payments."""

    fault: Fault | None = None
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[SentWebhook] = field(default_factory=list)
    _answers: dict[str, Response] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def app(self) -> Starlette:
        """Return the server."""
        one = "/payments/{id}"
        return Starlette(
            routes=[
                Route("/payments", self._found),
                Route("/payments", self._once, methods=["POST"]),
                Route(f"{one}/{{verb}}", self._once, methods=["POST"]),
            ]
        )

    async def _found(self, request: Request) -> Response:
        ours = request.query_params["reference"]
        found = [one for one in self.payments.values() if one["reference"] == ours]
        return JSONResponse(found)

    async def _once(self, request: Request) -> Response:
        """Answer a call, once for each key, or cause the fault."""
        fault, key = self.fault, request.headers["idempotency-key"]
        match fault:
            case _ if request.headers["authorization"] != f"Bearer {KEY}":
                return Response(status_code=401)
            case Fault.CUT_BEFORE:
                return Cut()
            case Fault.RATE_LIMITED:
                return Response(status_code=429)
            case Fault.UNAVAILABLE:
                return Response(status_code=503)
            case _:
                pass
        if key not in self._answers:
            body = json.loads(await request.body() or b"{}")
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
                await asyncio.sleep(SLOW_SECONDS)
                return answer
            case _:
                return answer

    def _done(self, path: dict[str, str], body: dict[str, Any]) -> Response:
        if not path:
            return self._begin(body)
        payment = self.payments.get(path["id"])
        if payment is None:
            return Response(status_code=404)
        match path["verb"], payment["status"]:
            case "capture", "authorized" if body["amount"] <= payment["amount"]:
                payment.update(status="captured", amount=body["amount"])
            case "cancel", "authorized":
                payment.update(status="canceled")
            case "refunds", "captured" if body["amount"] <= _left(payment):
                payment["refunds"].append({"id": self._id("refund"), **body})
            case _:
                return Response(status_code=422)
        return self._tell(path["verb"], payment)

    def _begin(self, body: dict[str, Any]) -> Response:
        token = body.pop("token")
        if not token.startswith("stone_"):
            return Response(status_code=422)
        taken = "captured" if body.pop("capture") else "authorized"
        reason = DECLINED.get(token)
        payment: dict[str, Any] = {
            "id": self._id("payment"),
            "status": "declined" if reason else taken,
            "reason": reason,
            "refunds": [],
            **body,
        }
        self.payments[payment["id"]] = payment
        return self._tell("begin", payment)

    def _tell(self, what: str, payment: dict[str, Any]) -> Response:
        """Send a webhook, and return the answer."""
        event = {"id": self._id("event"), "type": what, "payment": payment}
        body = json.dumps(event).encode()
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        times = 2 if self.fault is Fault.DUPLICATE else 1
        self.sent += [SentWebhook({"pebble-signature": signature}, body)] * times
        return JSONResponse([payment])

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._ids)}"


def _left(payment: dict[str, Any]) -> int:
    given = [refund["amount"] for refund in payment["refunds"]]
    left: int = payment["amount"] - sum(given)
    return left
