"""Stripe's error objects. Source: Stripe API reference, "Errors" and "Error codes"."""

from __future__ import annotations

from groat.simulator.wire import Answer, Json, JsonObject, answer


class StripeError(Exception):
    """A request refused before it had an effect. No answer is stored under its key."""

    def __init__(self, status: int, error: JsonObject) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error

    def answer(self) -> Answer:
        """Return the answer with this error."""
        return answer(self.status, {"error": self.error})


class KeptRefusal(StripeError):
    """A request refused after its processing began. This answer is stored under its key."""


def refusal(message: str, **details: Json) -> KeptRefusal:
    """Return a refusal. ``details`` are further fields of the error, such as its ``code``."""
    return KeptRefusal(400, {"type": "invalid_request_error", "message": message, **details})


def invalid_request(
    message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> StripeError:
    """Return an ``invalid_request_error``. ``param`` names the wrong parameter."""
    error = {"type": "invalid_request_error", "message": message, "param": param, "code": code}
    return StripeError(status, {name: value for name, value in error.items() if value is not None})


def no_such(kind: str, value: str, *, param: str, status: int = 404) -> StripeError:
    """Return the error for an id that does not exist: 404 in the path, 400 in a parameter."""
    message = f"No such {kind}: '{value}'"
    return invalid_request(message, param=param, code="resource_missing", status=status)


def key_reused(key: str) -> StripeError:
    """Return the error for an idempotency key that was used with other parameters before."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first"
        f" used with. Try using a key other than '{key}' if you meant to execute a different"
        " request."
    )
    return StripeError(400, {"type": "idempotency_error", "message": message})


def key_in_use(key: str) -> StripeError:
    """Return the error for an idempotency key whose first request is not answered yet."""
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably"
        f" means you submitted twice, and the other request is still going through): {key}."
        " Please try again later."
    )
    return invalid_request(message, code="idempotency_key_in_use", status=409)
