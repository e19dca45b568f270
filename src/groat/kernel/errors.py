"""The errors that Groat reports to callers and operators, each with a stable code.

A message names the wrong value and says how to correct it. It never contains a secret. The HTTP
layer turns the class into a status, and the code into the ``code`` of a problem document
(RFC 9457). Nothing else about an error depends on where it is shown.
"""

from __future__ import annotations

from typing import ClassVar


class GroatError(Exception):
    """An error that may be shown to a caller.

    ``code`` is stable and meant for programs; ``message`` is meant for people.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class InvalidRequest(GroatError):
    """The request is wrong in itself. It would be wrong in any state of its objects."""

    status = 422


class Unauthenticated(GroatError):
    """The request has no API key, or one that Groat did not issue."""

    status = 401


class Forbidden(GroatError):
    """The caller lacks the right to do this, in any state of the objects."""

    status = 403


class NotFound(GroatError):
    """This merchant has no such object. An object of another merchant is not found either."""

    status = 404


class Conflict(GroatError):
    """The request contradicts the present state of an object."""

    status = 409


class PayloadTooLarge(GroatError):
    """The request body exceeds the limit. Groat did not read it to its end."""

    status = 413


class RequestTimeout(GroatError):
    """The request body did not arrive in time."""

    status = 408


class TooManyRequests(GroatError):
    """The caller sends requests faster than its limit. The same request may succeed later."""

    status = 429


class BadRequest(GroatError):
    """The request is malformed: for example, its body is not JSON or its signature is wrong."""

    status = 400


class Unavailable(GroatError):
    """A service that the request needs is down or busy. The same request may succeed later."""

    status = 503


class ConfigurationError(GroatError):
    """A process cannot run with its settings. One line says which setting to change."""
