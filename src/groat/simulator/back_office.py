"""The back office of a provider: its settings, its balances, and actions that no client causes.

Its routes are under ``/_simulator``, like those of the control, and need no credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groat.simulator.books import Books
from groat.simulator.control import invalid
from groat.simulator.wire import JsonObject, Parameters

Chosen = TypeVar("Chosen", bound=Parameters)
Wanted = TypeVar("Wanted", bound=Parameters)


class ImpossibleError(Exception):
    """An action that is not possible now. It had no effect."""


class Instruction(Parameters):
    """The parameters that all actions have."""

    tell: bool = True
    """Whether events report the change. Without events, only the balance shows it."""


@dataclass(slots=True)
class ChosenSettings(Generic[Chosen]):
    """The settings of an account, which the back office may replace at any time."""

    chosen: Chosen


@dataclass(frozen=True, slots=True)
class OfficeAction(Generic[Wanted]):
    """A change of the account. ``perform`` returns the object that it made or changed.

    ``perform`` raises ``ImpossibleError`` if the change is not possible.
    """

    wanted: type[Wanted]
    perform: Callable[[Wanted], JsonObject]


@dataclass(frozen=True, slots=True)
class BackOffice:
    """Shows balances and movements, sets the account's settings, and performs actions."""

    books: Books
    settings: ChosenSettings[Any]
    actions: Mapping[str, OfficeAction[Any]]

    def routes(self) -> list[Route]:
        """Return the routes, for the root path of the provider's host."""
        return [
            Route("/_simulator/balances", self.show_balances),
            Route("/_simulator/movements", self.show_movements),
            Route("/_simulator/account", self.show_settings),
            Route("/_simulator/account", self.set_settings, methods=["PUT"]),
            Route("/_simulator/actions/{name}", self.perform, methods=["POST"]),
        ]

    async def show_balances(self, _: Request) -> Response:
        """Answer with the sums of all movements."""
        return JSONResponse(self.books.render_balances())

    async def show_movements(self, _: Request) -> Response:
        """Answer with all movements, oldest first."""
        return JSONResponse(self.books.render_movements())

    async def show_settings(self, _: Request) -> Response:
        """Answer with the settings in force."""
        return JSONResponse(self.settings.chosen.model_dump(mode="json"))

    async def set_settings(self, request: Request) -> Response:
        """Replace the settings. A setting that is not named gets its default."""
        try:
            chosen = type(self.settings.chosen).model_validate_json(await request.body())
        except ValidationError as error:
            return invalid(error)
        self.settings.chosen = chosen
        return await self.show_settings(request)

    async def perform(self, request: Request) -> Response:
        """Perform an action with the parameters in the body."""
        action = self.actions.get(request.path_params["name"])
        if action is None:
            detail = f"The actions are: {', '.join(sorted(self.actions))}."
            return JSONResponse({"detail": detail}, status_code=HTTPStatus.NOT_FOUND)
        try:
            wanted = action.wanted.model_validate_json(await request.body() or b"{}")
            return JSONResponse(action.perform(wanted))
        except ValidationError as error:
            return invalid(error)
        except ImpossibleError as refusal:
            return JSONResponse({"detail": str(refusal)}, status_code=HTTPStatus.CONFLICT)
