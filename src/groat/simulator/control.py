"""The simulator's own routes under ``/_simulator``, the same for both providers.

They ask for no credentials: this is a tool for the loopback address.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groat.simulator.books import Books
from groat.simulator.deliveries import Courier
from groat.simulator.faults import FaultPlan, Faults


@dataclass(frozen=True, slots=True)
class Control:
    """Shows what really happened, and sets what is to go wrong."""

    books: Books
    courier: Courier

    def routes(self) -> list[Route]:
        """Return the routes, for the root path of the provider's host."""
        return [
            Route("/_simulator/books", self.show_books),
            Route("/_simulator/deliveries", self.show_deliveries),
            Route("/_simulator/faults", self.show_faults),
            Route("/_simulator/faults", self.set_faults, methods=["PUT"]),
        ]

    async def show_books(self, _: Request) -> Response:
        """Answer with every charge really made."""
        return JSONResponse(self.books.render())

    async def show_deliveries(self, _: Request) -> Response:
        """Answer with the numbers of events and of attempts to deliver them."""
        return JSONResponse(self.courier.render())

    async def show_faults(self, _: Request) -> Response:
        """Answer with the plan in force."""
        return JSONResponse(self.courier.faults.plan.model_dump())

    async def set_faults(self, request: Request) -> Response:
        """Replace the plan and start the dice anew; deliveries under way keep their course."""
        try:
            plan = FaultPlan.model_validate_json(await request.body())
        except ValidationError as error:
            detail = error.errors(include_context=False, include_input=False)
            return JSONResponse({"detail": detail}, status_code=422)
        self.courier.faults = Faults(plan)
        return await self.show_faults(request)
