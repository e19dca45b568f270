"""PayPal's error objects. Source: PayPal REST API, "API responses" and "Orders v2 errors"."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from groat.simulator.wire import Answer, Json, JsonObject, answer

_MESSAGES = MappingProxyType(
    {
        "AUTHENTICATION_FAILURE": "Authentication failed due to invalid authentication credentials"
        " or a missing Authorization header.",
        "NOT_AUTHORIZED": "Authorization failed due to insufficient permissions.",
        "RESULTSET_TOO_LARGE": "Result set size is greater than the maximum limit. Change the"
        " filter criteria and try again.",
        "INVALID_REQUEST": "Request is not well-formed, syntactically incorrect, or violates"
        " schema.",
        "RESOURCE_CONFLICT": "The server has detected a conflict while processing this request.",
        "RESOURCE_NOT_FOUND": "The specified resource does not exist.",
        "UNPROCESSABLE_ENTITY": "The requested action could not be performed, semantically"
        " incorrect, or failed business validation.",
    }
)


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """One problem of a request. ``field`` is a JSON pointer into the body or the query."""

    issue: str
    description: str
    field: str | None = None
    location: Literal["body", "query"] = "body"

    def render(self) -> JsonObject:
        """Return the problem as an element of ``details``."""
        where = {} if self.field is None else {"field": self.field, "location": self.location}
        return {**where, "issue": self.issue, "description": self.description}


class PayPalError(Exception):
    """A request refused before it had an effect. No answer is stored under its request id.

    ``more`` are further fields of the answer.
    """

    def __init__(self, status: int, name: str, *problems: RequestProblem, **more: Json) -> None:
        super().__init__(name)
        self.status = status
        self.name = name
        self.problems = problems
        self.more = more

    def answer(self, debug_id: str) -> Answer:
        """Return the answer with this error. ``PayPal-Debug-Id`` must repeat the ``debug_id``."""
        body: JsonObject = {
            "name": self.name,
            "message": _MESSAGES[self.name],
            "debug_id": debug_id,
            "details": [problem.render() for problem in self.problems],
            "links": [],
            **self.more,
        }
        return answer(self.status, body)


class TokenError(Exception):
    """A refusal by the token endpoint, in the form of OAuth's errors (RFC 6749, 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description

    def answer(self) -> Answer:
        """Return the answer with this error."""
        return answer(self.status, {"error": self.error, "error_description": self.description})


def unprocessable(issue: str, description: str, field: str | None = None) -> PayPalError:
    """Return the error for a request that is well-formed but cannot be carried out."""
    return PayPalError(422, "UNPROCESSABLE_ENTITY", RequestProblem(issue, description, field))


def invalid(issue: str, description: str, field: str | None = None) -> PayPalError:
    """Return the error for a request that does not conform to the API."""
    return PayPalError(400, "INVALID_REQUEST", RequestProblem(issue, description, field))


def not_authorized() -> PayPalError:
    """Return the error for a client without the permission for a request."""
    description = "The client does not have the permission for this call."
    return PayPalError(403, "NOT_AUTHORIZED", RequestProblem("PERMISSION_DENIED", description))


def too_many_rows(found: int, most: int) -> PayPalError:
    """Return the error for a search that finds too many rows. It has no page."""
    return PayPalError(400, "RESULTSET_TOO_LARGE", total_items=found, maximum_items=most)


def not_found() -> PayPalError:
    """Return the error for an id that does not exist."""
    description = (
        "Specified resource ID does not exist. Please check the resource ID and try again."
    )
    return PayPalError(
        404, "RESOURCE_NOT_FOUND", RequestProblem("INVALID_RESOURCE_ID", description)
    )


def in_progress() -> PayPalError:
    """Return the error for a request id whose first request is not answered yet."""
    description = "A previous request on this resource is currently in progress. Please try later."
    problem = RequestProblem("PREVIOUS_REQUEST_IN_PROGRESS", description)
    return PayPalError(409, "RESOURCE_CONFLICT", problem)
