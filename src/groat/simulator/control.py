"""The simulator's own routes under ``/_simulator``, the same for both providers.

They need no credentials, because the simulator is a tool for the loopback address.
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
    """An event at a payment that no call of the client causes, such as a dispute.

    ``pull`` takes the id of a payment and causes the event. It returns False if the event is not
    possible or the payment does not exist. ``possible`` only tells whether ``pull`` would succeed.
    """

    possible: Callable[[str], bool]
    pull: Callable[[str], bool]


class Subject(Parameters, strict=True):
    """The payment of a trigger, by the provider's id of its intent or order."""

    id: str


@dataclass(frozen=True, slots=True)
class Control:
    """Shows the books and deliveries, sets the fault plan, and pulls triggers."""

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
        """Answer with the books."""
        return JSONResponse(self.books.render())

    async def show_deliveries(self, _: Request) -> Response:
        """Answer with the numbers of events and of attempts to deliver them."""
        return JSONResponse(self.courier.render())

    async def show_faults(self, _: Request) -> Response:
        """Answer with the fault plan in force."""
        return JSONResponse(self.courier.faults.plan.model_dump())

    async def set_faults(self, request: Request) -> Response:
        """Replace the fault plan."""
        try:
            plan = FaultPlan.model_validate_json(await request.body())
        except ValidationError as error:
            return invalid(error)
        self.put_in_force(plan)
        return await self.show_faults(request)

    def put_in_force(self, plan: FaultPlan) -> None:
        """Replace the plan and restart the dice.

        Deliveries under way keep their start times. The new plan decides on their signatures and
        acknowledgments. Answers that the old plan delays are sent at once.
        """
        self.courier.faults.replaced.set()
        self.courier.faults = Faults(plan)

    async def pull_trigger(self, request: Request) -> Response:
        """Pull a trigger for the payment in the body."""
        trigger = self.triggers.get(request.path_params["name"])
        if trigger is None:
            detail = f"The triggers are: {', '.join(sorted(self.triggers))}."
            return JSONResponse({"detail": detail}, status_code=HTTPStatus.NOT_FOUND)
        try:
            subject = Subject.model_validate_json(await request.body())
        except ValidationError as error:
            return invalid(error)
        if not trigger.pull(subject.id):
            detail = f"This trigger is not possible for {subject.id}."
            return JSONResponse({"detail": detail}, status_code=HTTPStatus.CONFLICT)
        return JSONResponse({})


def invalid(error: ValidationError) -> Response:
    """Return the answer to a body with unknown or wrong parameters."""
    detail = error.errors(include_context=False, include_input=False)
    return JSONResponse({"detail": detail}, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
