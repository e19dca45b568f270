"""The fault plan: what is to go wrong, and the dice that carry it out."""

from __future__ import annotations

import asyncio
import random
from http import HTTPStatus
from typing import Literal

from pydantic import Field
from starlette.responses import HTMLResponse, JSONResponse, Response

from groat.simulator.wire import Answer, Parameters


class FaultPlan(Parameters, strict=True):
    """What is to go wrong from now on. A plan of zeros is a provider without faults."""

    seed: int = 0
    """Where the dice start. The same seed and the same order of events give the same faults."""
    duplicate: float = Field(0, ge=0, le=1)
    """The probability that a delivery is made again, one to three further times."""
    shuffle_ms: int = Field(0, ge=0, le=60_000)
    """Each delivery starts a random 0 to this many milliseconds late, so that order is lost."""
    answer_ms: int = Field(0, ge=0, le=60_000)
    """Each POST is answered this many milliseconds after its effect, long enough to time out."""
    answer: Literal[
        "right",
        "cut_before",
        "rate_limited",
        "unavailable",
        "cut_after",
        "broken",
        "html",
        "lie",
    ] = "right"
    """What becomes of a POST: it is answered; before it had its effect, the connection is cut, or
    the status is 429 or 503; after its effect, the connection is cut, or the status is 500, and the
    same again for its key, or something on the way answers in its place with a page, or the amounts
    in the answer are one minor unit too high."""


class Cut(Response):
    """An answer that breaks off: the connection is closed before the end that it announces."""

    def __init__(self) -> None:
        super().__init__(headers={"content-length": "1"})


class Faults:
    """A plan being carried out."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._dice = random.Random(plan.seed)  # noqa: S311 - repeatable, that is the point

    def departures(self) -> list[float]:
        """Return when to start a delivery, and each duplicate of it, in seconds from now."""
        again = self._dice.random() < self.plan.duplicate
        copies = 1 + (self._dice.randint(1, 3) if again else 0)
        return [self._dice.uniform(0, self.plan.shuffle_ms) / 1000 for _ in range(copies)]

    async def hold_answer(self) -> None:
        """Wait before a POST is answered: its effect is there, its client cannot know."""
        await asyncio.sleep(self.plan.answer_ms / 1000)

    def kept(self, answer: Answer) -> Answer:
        """Return what is kept under the key of a POST that had its effect."""
        return Answer(500, b"{}") if self.plan.answer == "broken" else answer

    def told(self, amount: int) -> int:
        """Return what a POST's answer says for ``amount``, in minor units; nothing stays nothing.

        For the renderers of answers: what is remembered, listed and delivered stays true.
        """
        return amount + 1 if self.plan.answer == "lie" and amount else amount

    def before(self) -> Response | None:
        """Return what a POST is answered with instead of having an effect, if anything."""
        match self.plan.answer:
            case "cut_before":
                return Cut()
            case "rate_limited":
                return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "RATE_LIMIT_REACHED")
            case "unavailable":
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
            case _:
                return None

    def after(self, response: Response) -> Response:
        """Return what a POST is answered with in the end."""
        match self.plan.answer:
            case "cut_after":
                return Cut()
            case "html":
                return HTMLResponse("<html><title>Please stand by</title></html>")
            case _:
                return response


def _refusal(status: HTTPStatus, name: str) -> Response:
    """Return a refusal as both providers word theirs: Stripe in ``error``, PayPal beside it."""
    error = {"type": "api_error", "message": status.phrase}
    return JSONResponse({"error": error, "name": name, "message": status.phrase}, status)
