from __future__ import annotations

import pytest

from groat.app.verify import all_checks
from groat.platform.postgres.checks import Check, checks_from
from groat.platform.postgres.queries import Query


def test_a_check_runs_the_query_of_its_name() -> None:
    queries = {
        f"check_{name}": Query(f"select {number}".encode())
        for number, name in enumerate(("sums", "gaps", "others"), 1)
    }
    assert checks_from(queries, {"gaps": "entry", "sums": "transaction"}) == [
        Check("gaps", Query(b"select 2"), "entry"),
        Check("sums", Query(b"select 1"), "transaction"),
    ]


def test_a_check_without_a_query_raises() -> None:
    with pytest.raises(KeyError, match="check_sums"):
        checks_from({}, {"sums": "transaction"})


def test_every_check_of_the_oracle_is_named_once() -> None:
    names = [check.name for check in all_checks()]
    assert len(names) > 10
    assert len(set(names)) == len(names)
