"""The fault of one call, from the fault plan or from the call's payment method."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias, get_args

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from groat.simulator.deliveries import Courier
from groat.simulator.faults import CallKind, Ending
from groat.simulator.wire import Answer

Kinds: TypeAlias = Mapping[CallKind, re.Pattern[str]]
"""Patterns of the paths of each kind of call."""

_MARK = "_fault_"
_FAULTS: dict[str, Ending] = {name: name for name in get_args(Ending) if name != "right"}


class Cut(Response):
    """An incomplete answer: the connection is closed before the announced end of the body."""

    def __init__(self) -> None:
        super().__init__(headers={"content-length": "1"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send only the head. The server then closes the connection."""
        del scope, receive
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})


@dataclass(frozen=True, slots=True)
class CallFault:
    """The result of one call, and the milliseconds between its effect and its answer.

    The answer is sent at once when ``replaced`` is set: another fault plan is in force.
    """

    ending: Ending = "right"
    answer_ms: int = 0
    replaced: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    def before(self) -> Response | None:
        """Return the answer that replaces the call's effect, or None if the call has its effect."""
        match self.ending:
            case "cut_before":
                return Cut()
            case "rate_limited":
                return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "RATE_LIMIT_REACHED")
            case "unavailable":
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
            case _:
                return None

    async def kept(self, answer: Answer, lie: Callable[[Answer], Answer]) -> Answer:
        """Wait, then return the answer to store under the key of a call that had its effect.

        ``lie`` returns an answer with wrong amounts. The account, its lists and its events keep the
        correct amounts.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self.replaced.wait(), self.answer_ms / 1000)
        match self.ending:
            case "broken":
                return Answer(500, b"{}")
            case "lie":
                return lie(answer)
            case _:
                return answer

    def after(self, response: Response) -> Response:
        """Return the response that the client gets."""
        match self.ending:
            case "cut_after":
                return Cut()
            case "html":
                return HTMLResponse("<html><title>Please stand by</title></html>")
            case _:
                return response


class CallFaults:
    """Chooses the fault of each call."""

    def __init__(self, courier: Courier, kinds: Kinds) -> None:
        self._courier = courier
        self._kinds = kinds
        self._spent: set[str] = set()

    def of(self, path: str, key: str | None, payment_method: str) -> CallFault:
        """Return the fault of a call.

        A fault named in the ``payment_method`` takes precedence over the plan. It happens once for
        each idempotency ``key``: a retry of the call succeeds.
        """
        _, asked = split_token(payment_method)
        if asked is not None and key not in self._spent:
            self._spent |= {key} if key is not None else set()
            return CallFault(asked)
        faults = self._courier.faults
        plan = faults.plan
        if plan.on is not None and not self._kinds[plan.on].fullmatch(path):
            return CallFault()
        return CallFault(plan.answer, plan.answer_ms, faults.replaced)


def split_token(payment_method: str) -> tuple[str, Ending | None]:
    """Return the plain payment method, and the fault that ``payment_method`` names, if any.

    ``pm_card_visa_fault_cut_after`` is ``pm_card_visa`` with the fault ``cut_after``. If there is
    no such fault, ``payment_method`` is returned unchanged.
    """
    base, _, name = payment_method.rpartition(_MARK)
    fault = _FAULTS.get(name)
    return (base, fault) if base and fault else (payment_method, None)


def asks_for_fault(body: bytes) -> bool:
    """Tell whether a payment method in ``body`` may name a fault, without parsing the body."""
    return _MARK.encode() in body


def _refusal(status: HTTPStatus, name: str) -> Response:
    """Return a refusal in the form of both providers: Stripe reads ``error``, PayPal the rest."""
    error = {"type": "api_error", "message": status.phrase}
    return JSONResponse({"error": error, "name": name, "message": status.phrase}, status)
