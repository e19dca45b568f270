"""The fault plan: the faults to cause, and the dice that apply them to deliveries."""

from __future__ import annotations

import asyncio
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
    """The faults to cause from now on. A plan of zeros is a provider without faults."""

    seed: int = 0
    """Seed of the dice. The same seed and the same order of events give the same faults."""
    duplicate: Probability = 0
    """Probability that a delivery is repeated, one to three times."""
    twin: Probability = 0
    """Probability that a change is reported by a second event, which has another id."""
    drop: Probability = 0
    """Probability that an event is not delivered to any endpoint. Lists of events still have it."""
    shuffle_ms: int = Field(0, ge=0, le=60_000)
    """Maximum milliseconds by which a delivery starts late. Random delays change the order."""
    ignore_acks: Probability = 0
    """Probability that an acknowledgment is ignored: the delivery is retried as if the endpoint had
    refused it. With 1, it is retried for three days."""
    wrong_secret: Probability = 0
    """Probability that an attempt is signed with a secret that is not the endpoint's. PayPal has no
    secrets: it signs with a key that does not belong to the certificate."""
    two_secrets: bool = False
    """Sign with an older secret as well, as Stripe does while a secret is rolled. Stripe only."""
    stale_seconds: int = Field(0, ge=-86_400, le=86_400)
    """Age of a signature's time in seconds. A negative age is a time in the future."""
    late_movements: Probability = 0
    """Probability that a movement is booked or shown late. At Stripe, ``charge.updated`` reports
    it. At PayPal, the transaction search shows its row hours later."""
    missing_rows: Probability = 0
    """Probability that the transaction search never shows a row. PayPal only."""
    answer: Ending = "right"
    """Result of a POST. Right: the normal answer. Without an effect: the connection is cut, or the
    status is 429 or 503. After the effect: the connection is cut; or the status is 500, also for
    later requests with the same key; or an intermediary answers with an HTML page; or the amounts
    in the answer are one minor unit too high."""
    answer_ms: int = Field(0, ge=0, le=60_000)
    """Milliseconds between the effect of a POST and its answer. A long delay makes calls time
    out. Another plan ends the delay."""
    refuse_search: bool = False
    """Refuse searches: of intents, as Stripe does for accounts in some countries; of transactions,
    as PayPal does for an application without the permission."""
    on: CallKind | None = None
    """The kind of POST whose answers have the fault. Without a kind, every POST has it."""


@dataclass(frozen=True, slots=True)
class Signing:
    """The faults in the signature of an attempt."""

    wrong_secret: bool = False
    two_secrets: bool = False
    stale_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """The start of one delivery, in seconds from now, and the dice for its attempts.

    Each delivery has its own dice, because attempts of different deliveries have no fixed order.
    """

    departure: float
    dice: random.Random


class Faults:
    """Applies a plan. Each fault has its own dice, so that one fault does not affect another.

    ``replaced`` is set when another plan takes the place of this one.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.replaced = asyncio.Event()
        self._duplicate, self._shuffle = self._dice("duplicate"), self._dice("shuffle")
        self._twin, self._drop = self._dice("twin"), self._dice("drop")
        self._attempts = self._dice("attempts")
        self._late, self._missing = self._dice("late"), self._dice("missing")

    def courses(self) -> list[Course]:
        """Return the course of a delivery and of each of its duplicates."""
        again = self._duplicate.random() < self.plan.duplicate
        copies = 1 + (self._duplicate.randint(1, 3) if again else 0)
        return [self._course() for _ in range(copies)]

    def twins(self) -> bool:
        """Decide whether a change is reported by a second event."""
        return self._twin.random() < self.plan.twin

    def drops(self) -> bool:
        """Decide whether an event is not delivered."""
        return self._drop.random() < self.plan.drop

    def is_late(self) -> bool:
        """Decide whether a movement is booked or shown late."""
        return self._late.random() < self.plan.late_movements

    def is_missing(self) -> bool:
        """Decide whether the transaction search never shows a row."""
        return self._missing.random() < self.plan.missing_rows

    def signing(self, course: Course) -> Signing:
        """Return the signature faults of a delivery's next attempt."""
        wrong = course.dice.random() < self.plan.wrong_secret
        return Signing(wrong, self.plan.two_secrets, self.plan.stale_seconds)

    def ignores_ack(self, course: Course) -> bool:
        """Decide whether the acknowledgment of an attempt is ignored."""
        return course.dice.random() < self.plan.ignore_acks

    def _course(self) -> Course:
        departure = self._shuffle.uniform(0, self.plan.shuffle_ms) / 1000
        return Course(departure, random.Random(self._attempts.random()))  # noqa: S311 - repeatable on purpose

    def _dice(self, fault: str) -> random.Random:
        return random.Random(f"{self.plan.seed} {fault}")  # noqa: S311 - repeatable on purpose
