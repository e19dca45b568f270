from __future__ import annotations

import pytest

from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.client import Response, _sort
from groat.providers.port import Unknown


@pytest.mark.parametrize("status", [200, 201, 400, 403, 404, 422])
def test_a_documented_answer_is_accepted(status: int) -> None:
    answer = Response(status, b"{}")
    assert _sort(answer) is answer


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, FailureCode.CREDENTIALS_REFUSED), (429, FailureCode.RATE_LIMITED)],
)
def test_a_call_that_was_not_begun_was_not_sent(status: int, code: FailureCode) -> None:
    sorted_as = _sort(Response(status, b"{}"))
    assert isinstance(sorted_as, NotSent)
    assert sorted_as.code == code


@pytest.mark.parametrize("status", [100, 302, 304, 407, 408, 409, 418, 499, 500, 502, 503, 504])
def test_everything_else_leaves_the_outcome_unknown(status: int) -> None:
    assert _sort(Response(status, b'{"name": "X"}')) == Unknown(f"status {status}")
