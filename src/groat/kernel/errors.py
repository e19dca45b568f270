"""One family of errors, each with a stable code.

A message says what was wrong with which value and what to do about it. It never holds a secret.
The HTTP layer turns the class into a status and the code into the ``code`` of a problem document
(RFC 9457); nothing else about an error depends on where it is shown.
"""

from __future__ import annotations

from typing import ClassVar


class GroatError(Exception):
    """Something that a caller can be told.

    ``code`` is stable and for programs; the message is for people.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class InvalidRequest(GroatError):
    """The request cannot be right whatever the state of the world."""

    status = 422


class Unauthenticated(GroatError):
    """No key, or a key that is not ours."""

    status = 401


class Forbidden(GroatError):
    """The caller may not do this, whatever the state of the world."""

    status = 403


class NotFound(GroatError):
    """No such object for this merchant; another merchant's object is not found either."""

    status = 404


class Conflict(GroatError):
    """The request contradicts what is already there."""

    status = 409


class PayloadTooLarge(GroatError):
    """The body is over the limit; it was not read to its end."""

    status = 413


class RequestTimeout(GroatError):
    """The request did not arrive in time."""

    status = 408


class BadRequest(GroatError):
    """The bytes are not what they claim to be: not JSON, or not signed as they should be."""

    status = 400


class Unavailable(GroatError):
    """A part that the request needs is down; the same request may succeed later."""

    status = 503


class ConfigurationError(GroatError):
    """A process cannot start as it is set up; the message is one line that says what to change."""
