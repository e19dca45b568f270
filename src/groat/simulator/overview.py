"""The web page of a simulator: it shows payments and deliveries, and has triggers and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from groat.kernel.money import Money
from groat.simulator.control import Control
from groat.simulator.faults import FaultPlan
from groat.simulator.pages import rendered, style_route

PAGE_PATH = "/_simulator"
SHOWN_MAX = 50
"""Maximum payments, and maximum deliveries, on the page."""

_LANES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Deliveries",
        (
            *("duplicate", "twin", "drop", "shuffle_ms", "ignore_acks"),
            *("wrong_secret", "stale_seconds", "two_secrets"),
        ),
    ),
    ("Books", ("late_movements", "missing_rows")),
    ("Calls", ("answer", "answer_ms", "on", "refuse_search")),
    ("Dice", ("seed",)),
)
"""The parameters of the fault plan, in the groups of the form."""

_TONES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("succeeded", "completed", "won", "captured", "acknowledged"), "good"),
        **dict.fromkeys(("authorized", "created", "approved", "pending", "open"), "waiting"),
        **dict.fromkeys(("under way", "needs response", "under review"), "waiting"),
        **dict.fromkeys(("warning needs response", "warning under review"), "waiting"),
        **dict.fromkeys(("requires action", "requires capture"), "waiting"),
        **dict.fromkeys(("requires confirmation", "payer action required"), "waiting"),
        **dict.fromkeys(("partially captured", "partially refunded"), "waiting"),
        **dict.fromkeys(("declined", "denied", "failed", "lost", "dropped"), "bad"),
        **dict.fromkeys(("requires payment method", "given up"), "bad"),
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """An authorization, charge, refund or dispute, in the provider's words."""

    kind: str
    id: str
    money: Money
    status: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """A payment intent or an order, with its authorizations, charges, refunds and disputes.

    ``reference`` is the client's name for it. ``customer_page`` is the page on which its customer
    must act, or None.
    """

    id: str
    created: datetime
    money: Money
    status: str
    reference: str | None
    parts: Sequence[Part]
    customer_page: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The provider and the payments that a page shows."""

    provider: str
    payment: str
    """The provider's word for a payment."""
    without: frozenset[str]
    """The parameters of a plan that have no meaning for this provider."""
    count: Callable[[], int]
    latest: Callable[[int], list[AccountSummary]]
    """Returns the given number of payments, newest first."""


class Overview:
    """Shows the payments and deliveries of a provider, and offers triggers and faults."""

    def __init__(self, source: Source, control: Control) -> None:
        self._source = source
        self._control = control

    def routes(self) -> list[Route]:
        """Return the routes. Like the routes of the control, they need no credentials."""
        return [
            Route(PAGE_PATH, self.show),
            Route(f"{PAGE_PATH}/pull", self.pull, methods=["POST"]),
            Route(f"{PAGE_PATH}/plan", self.plan, methods=["POST"]),
            style_route(),
        ]

    async def show(self, _: Request) -> Response:
        """Answer with the page."""
        return self._page()

    async def pull(self, request: Request) -> Response:
        """Pull a trigger of a payment, and return to the payment on the page."""
        form = await _form(request)
        name, identifier = form.get("trigger", ""), form.get("id", "")
        trigger = self._control.triggers.get(name)
        if trigger is None or not trigger.pull(identifier):
            problem = f"{_words(name)} is not possible for {identifier} now."
            return self._page(HTTPStatus.CONFLICT, problems=[problem])
        return RedirectResponse(f"{PAGE_PATH}#{identifier}", HTTPStatus.SEE_OTHER)

    async def plan(self, request: Request) -> Response:
        """Put the plan in the form in force. Empty fields have their default."""
        form = {name: value for name, value in (await _form(request)).items() if value}
        try:
            plan = FaultPlan.model_validate_strings(form)
        except ValidationError as error:
            problems = [f"{_words(str(at['loc'][0]))}: {at['msg']}" for at in error.errors()]
            return self._page(HTTPStatus.UNPROCESSABLE_ENTITY, problems=problems, entered=form)
        self._control.put_in_force(plan)
        return RedirectResponse(PAGE_PATH, HTTPStatus.SEE_OTHER)

    def _page(
        self,
        status: int = HTTPStatus.OK,
        *,
        problems: Sequence[str] = (),
        entered: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the page. ``entered`` has the fields of a form that was rejected."""
        plan = self._control.courier.faults.plan
        latest = self._source.latest(SHOWN_MAX)
        return rendered(
            "overview.html",
            status,
            source=self._source,
            payments=[(summary, self._possible(summary)) for summary in latest],
            tally=self._control.courier.render(),
            deliveries=list(reversed(self._control.courier.latest))[:SHOWN_MAX],
            in_force=plan.model_dump(exclude_defaults=True),
            entered=plan.model_dump() if entered is None else entered,
            rejected=entered is not None,
            lanes=[(title, self._parameters(names)) for title, names in _LANES],
            problems=problems,
            tone=tone,
            words=_words,
        )

    def _possible(self, summary: AccountSummary) -> list[str]:
        triggers = self._control.triggers.items()
        return [name for name, trigger in triggers if trigger.possible(summary.id)]

    def _parameters(self, names: Sequence[str]) -> Mapping[str, object]:
        """Return the JSON schema of each parameter, from which the form makes its fields."""
        return {name: _schemas()[name] for name in names if name not in self._source.without}


@cache
def _schemas() -> Mapping[str, object]:
    """Return the JSON schema of every parameter of a plan."""
    schemas: Mapping[str, object] = FaultPlan.model_json_schema()["properties"]
    return schemas


def tone(status: str) -> str:
    """Return whether a status is ``good``, ``bad``, ``waiting`` or ``neutral``."""
    return _TONES.get(status.lower().replace("_", " "), "neutral")


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
