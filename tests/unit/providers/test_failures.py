from __future__ import annotations

from groat.providers.domain.failures import MEANINGS, FailureCode


def test_every_code_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(FailureCode)
