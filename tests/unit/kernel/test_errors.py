from __future__ import annotations

import pytest

from groat.kernel import errors
from groat.kernel.errors import GroatError

STATUSES = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PayloadTooLarge: 413,
    errors.RequestTimeout: 408,
    errors.TooManyRequests: 429,
    errors.InvalidRequest: 422,
    errors.ConfigurationError: 500,
    errors.Unavailable: 503,
}


@pytest.mark.parametrize(("kind", "status"), STATUSES.items())
def test_the_class_decides_the_status(kind: type[GroatError], status: int) -> None:
    assert kind.status == status
    assert issubclass(kind, GroatError)


def test_every_error_has_its_status_here() -> None:
    assert set(GroatError.__subclasses__()) >= STATUSES.keys()
    ours = {kind for kind in GroatError.__subclasses__() if kind.__module__ == errors.__name__}
    assert ours == STATUSES.keys()


def test_an_error_has_a_code_for_programs_and_a_message_for_people() -> None:
    error = errors.Conflict("taken", "That is taken.")
    assert (error.code, error.message) == ("taken", "That is taken.")
    assert str(error) == "That is taken."
