"""What goes wrong with one call: as the plan has it, or as its payment method asks for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias, get_args

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from groat.simulator.deliveries import Courier
from groat.simulator.faults import CallKind, Ending
from groat.simulator.wire import Answer

Kinds: TypeAlias = Mapping[CallKind, re.Pattern[str]]
"""The paths of each kind of call."""

_MARK = "_fault_"
_FAULTS: dict[str, Ending] = {name: name for name in get_args(Ending) if name != "right"}


class Cut(Response):
    """An answer that breaks off: the connection is closed before the end that it announces."""

    def __init__(self) -> None:
        super().__init__(headers={"content-length": "1"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head alone, at which the server closes the connection."""
        del scope, receive
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})


@dataclass(frozen=True, slots=True)
class CallFault:
    """What becomes of one call, and how long after its effect it is answered."""

    ending: Ending = "right"
    answer_ms: int = 0

    def before(self) -> Response | None:
        """Return what the call is answered with instead of having an effect, if anything."""
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
        """Return what is kept under the key of a call that had its effect, when it is time to.

        ``lie`` returns an answer with wrong amounts; what is remembered, listed and delivered stays
        true.
        """
        await asyncio.sleep(self.answer_ms / 1000)
        match self.ending:
            case "broken":
                return Answer(500, b"{}")
            case "lie":
                return lie(answer)
            case _:
                return answer

    def after(self, response: Response) -> Response:
        """Return what the call is answered with in the end."""
        match self.ending:
            case "cut_after":
                return Cut()
            case "html":
                return HTMLResponse("<html><title>Please stand by</title></html>")
            case _:
                return response


class CallFaults:
    """Says of each call what goes wrong with it."""

    def __init__(self, courier: Courier, kinds: Kinds) -> None:
        self._courier = courier
        self._kinds = kinds
        self._spent: set[str] = set()

    def of(self, path: str, key: str | None, payment_method: str) -> CallFault:
        """Return what goes wrong with a call.

        A fault that the ``payment_method`` asks for comes before the plan's. It happens once for
        each idempotency ``key``: when the same call comes again, that goes well.
        """
        _, asked = split_token(payment_method)
        if asked is not None and key not in self._spent:
            self._spent |= {key} if key is not None else set()
            return CallFault(asked)
        plan = self._courier.faults.plan
        if plan.on is not None and not self._kinds[plan.on].fullmatch(path):
            return CallFault()
        return CallFault(plan.answer, plan.answer_ms)


def split_token(payment_method: str) -> tuple[str, Ending | None]:
    """Return what ``payment_method`` stands for, and the fault that it asks for.

    ``pm_card_visa_fault_cut_after`` is ``pm_card_visa``, and the connection is cut. What asks for a
    fault that does not exist is returned as it is.
    """
    base, _, name = payment_method.rpartition(_MARK)
    fault = _FAULTS.get(name)
    return (base, fault) if base and fault else (payment_method, None)


def asks_for_fault(body: bytes) -> bool:
    """Tell whether a payment method in ``body`` may ask for a fault, without reading it all."""
    return _MARK.encode() in body


def _refusal(status: HTTPStatus, name: str) -> Response:
    """Return a refusal as both providers word theirs: Stripe in ``error``, PayPal beside it."""
    error = {"type": "api_error", "message": status.phrase}
    return JSONResponse({"error": error, "name": name, "message": status.phrase}, status)
