from __future__ import annotations

import json

from groat.app.verify import as_document
from tests.unit.app.findings import FAILS, HOLDS


def test_findings_can_be_printed_as_json() -> None:
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


def test_one_failed_check_fails_the_whole() -> None:
    document = as_document([HOLDS, FAILS, HOLDS])
    assert document["ok"] is False
    assert json.loads(json.dumps(document)) == document


def test_no_findings_count_as_ok() -> None:
    assert as_document([]) == {"ok": True, "checks": []}
