"""The fault plan: what is to go wrong, and the dice that carry it out on deliveries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from groat.simulator.wire import Parameters

Ending: TypeAlias = Literal[
    "right",
    "cut_before",
    "rate_limited",
    "unavailable",
    "cut_after",
    "broken",
    "html",
    "lie",
]
CallKind: TypeAlias = Literal["payments", "captures", "cancellations", "refunds"]
Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class FaultPlan(Parameters, strict=True, use_attribute_docstrings=True):
    """What is to go wrong from now on. A plan of zeros is a provider without faults."""

    seed: int = 0
    """Where the dice start. The same seed and the same order of events give the same faults."""
    duplicate: Probability = 0
    """The probability that a delivery is made again, one to three further times."""
    twin: Probability = 0
    """The probability that a change is told a second time, by an event with another id."""
    drop: Probability = 0
    """The probability that an event is never delivered to anyone. It is listed all the same."""
    shuffle_ms: int = Field(0, ge=0, le=60_000)
    """Each delivery starts a random 0 to this many milliseconds late, so that order is lost."""
    ignore_acks: Probability = 0
    """The probability that an acknowledgment is taken for nothing, so that the delivery is made
    again as if it had been refused. With 1 it is made again and again, for three days."""
    wrong_secret: Probability = 0
    """The probability that an attempt is signed with a secret that is not the endpoint's. PayPal
    has none: it is signed with a key that is not the certificate's."""
    two_secrets: bool = False
    """Signed with an older secret as well, as while secrets are rolled. Stripe alone does it."""
    stale_seconds: int = Field(0, ge=-86_400, le=86_400)
    """How many seconds in the past the time of the signature lies; negative is in the future."""
    answer: Ending = "right"
    """What becomes of a POST. It is answered; or, before it had its effect, the connection is cut
    or the status is 429 or 503; or, after its effect, the connection is cut, or the status is 500,
    and the same again for its key, or something on the way answers in its place with a page, or the
    amounts in the answer are one minor unit too high."""
    answer_ms: int = Field(0, ge=0, le=60_000)
    """Each POST is answered this many milliseconds after its effect, long enough to time out."""
    refuse_search: bool = False
    """Searching is refused, as it is to Stripe's accounts in some countries. PayPal has none."""
    on: CallKind | None = None
    """The one kind of POST whose answers go wrong; all of them if none is named."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What is wrong with an attempt's signature, if anything."""

    wrong_secret: bool = False
    two_secrets: bool = False
    stale_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """One delivery's course: when it starts, in seconds from now, and dice for its attempts.

    The dice are its own, as attempts at different deliveries come in no certain order.
    """

    departure: float
    dice: random.Random


class Faults:
    """A plan being carried out. Each fault has dice of its own, so that none sways another."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._duplicate, self._shuffle = self._dice("duplicate"), self._dice("shuffle")
        self._twin, self._drop = self._dice("twin"), self._dice("drop")
        self._attempts = self._dice("attempts")

    def courses(self) -> list[Course]:
        """Return the course of a delivery, and of each duplicate of it."""
        again = self._duplicate.random() < self.plan.duplicate
        copies = 1 + (self._duplicate.randint(1, 3) if again else 0)
        return [self._course() for _ in range(copies)]

    def twins(self) -> bool:
        """Tell whether a change is to be told a second time."""
        return self._twin.random() < self.plan.twin

    def drops(self) -> bool:
        """Tell whether an event is not to be delivered."""
        return self._drop.random() < self.plan.drop

    def signing(self, course: Course) -> Signing:
        """Return how the next attempt of a delivery is signed."""
        wrong = course.dice.random() < self.plan.wrong_secret
        return Signing(wrong, self.plan.two_secrets, self.plan.stale_seconds)

    def ignores_ack(self, course: Course) -> bool:
        """Tell whether the acknowledgment of an attempt is taken for nothing."""
        return course.dice.random() < self.plan.ignore_acks

    def _course(self) -> Course:
        departure = self._shuffle.uniform(0, self.plan.shuffle_ms) / 1000
        return Course(departure, random.Random(self._attempts.random()))  # noqa: S311 - repeatable on purpose

    def _dice(self, fault: str) -> random.Random:
        return random.Random(f"{self.plan.seed} {fault}")  # noqa: S311 - repeatable on purpose
