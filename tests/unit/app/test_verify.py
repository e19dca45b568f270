from __future__ import annotations

import json

from groat.app.verify import as_document
from tests.unit.app.findings import FAILS, HOLDS


def test_findings_are_a_document_for_programs() -> None:
    assert as_document([HOLDS]) == {
        "ok": True,
        "checks": [
            {
                "name": "transactions_sum_to_zero",
                "ok": True,
                "examined": 33,
                "detail": "",
                "seconds": 0.01,
            }
        ],
    }


def test_one_failure_fails_the_whole() -> None:
    document = as_document([HOLDS, FAILS, HOLDS])
    assert document["ok"] is False
    assert json.loads(json.dumps(document)) == document


def test_nothing_found_is_nothing_wrong() -> None:
    assert as_document([]) == {"ok": True, "checks": []}
