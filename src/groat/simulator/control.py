"""The simulator's own routes under ``/_simulator``, the same for both providers.

They ask for no credentials: this is a tool for the loopback address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groat.simulator.books import Books
from groat.simulator.deliveries import Courier
from groat.simulator.faults import FaultPlan, Faults
from groat.simulator.wire import Parameters


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something that no call of the client's brings about; it is for the id of a payment.

    ``pull`` lets it happen; False if it cannot, or there is no such payment.
    """

    possible: Callable[[str], bool]
    pull: Callable[[str], bool]


class Subject(Parameters, strict=True):
    """What a trigger is pulled for: the provider's id of a payment (an intent, an order)."""

    id: str


@dataclass(frozen=True, slots=True)
class Control:
    """Shows what really happened, sets what is to go wrong, and lets things happen."""

    books: Books
    courier: Courier
    triggers: Mapping[str, Trigger]

    def routes(self) -> list[Route]:
        """Return the routes, for the root path of the provider's host."""
        return [
            Route("/_simulator/books", self.show_books),
            Route("/_simulator/deliveries", self.show_deliveries),
            Route("/_simulator/faults", self.show_faults),
            Route("/_simulator/faults", self.set_faults, methods=["PUT"]),
            Route("/_simulator/triggers/{name}", self.pull_trigger, methods=["POST"]),
        ]

    async def show_books(self, _: Request) -> Response:
        """Answer with everything that was really done."""
        return JSONResponse(self.books.render())

    async def show_deliveries(self, _: Request) -> Response:
        """Answer with the numbers of events and of attempts to deliver them."""
        return JSONResponse(self.courier.render())

    async def show_faults(self, _: Request) -> Response:
        """Answer with the plan in force."""
        return JSONResponse(self.courier.faults.plan.model_dump())

    async def set_faults(self, request: Request) -> Response:
        """Replace the plan."""
        try:
            plan = FaultPlan.model_validate_json(await request.body())
        except ValidationError as error:
            return _invalid(error)
        self.put_in_force(plan)
        return await self.show_faults(request)

    def put_in_force(self, plan: FaultPlan) -> None:
        """Replace the plan and start the dice anew.

        Deliveries under way start when they were to; how they are signed and heard is the new
        plan's affair.
        """
        self.courier.faults = Faults(plan)

    async def pull_trigger(self, request: Request) -> Response:
        """Let something happen that no call of the client's brings about."""
        trigger = self.triggers.get(request.path_params["name"])
        if trigger is None:
            detail = f"There is {', '.join(sorted(self.triggers))}."
            return JSONResponse({"detail": detail}, status_code=HTTPStatus.NOT_FOUND)
        try:
            subject = Subject.model_validate_json(await request.body())
        except ValidationError as error:
            return _invalid(error)
        if not trigger.pull(subject.id):
            detail = f"It cannot happen to {subject.id}."
            return JSONResponse({"detail": detail}, status_code=HTTPStatus.CONFLICT)
        return JSONResponse({})


def _invalid(error: ValidationError) -> Response:
    detail = error.errors(include_context=False, include_input=False)
    return JSONResponse({"detail": detail}, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
