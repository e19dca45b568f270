from __future__ import annotations

from dataclasses import fields, replace

import pytest

from groat.app.demo import DemoTally, summary
from tests.unit.app.findings import FAILS, GOOD, HOLDS


def test_a_demo_whose_checks_all_hold_is_ok() -> None:
    judged = summary(GOOD, [HOLDS, HOLDS], 1.2345)
    assert judged.oracle_ok
    assert judged.seconds == 1.23
    for field in fields(DemoTally):
        assert getattr(judged, field.name) == getattr(GOOD, field.name)


@pytest.mark.parametrize(
    "outcome",
    [
        replace(GOOD, ledger_imbalance=1),
        replace(GOOD, ledger_imbalance=-1),
        replace(GOOD, books_match_provider=False),
        replace(GOOD, provider_balances_equal=False),
        replace(GOOD, provider_charges=34),
        replace(GOOD, provider_charges=32),
        replace(GOOD, provider_refunds=4),
        replace(GOOD, payments=41),
        replace(GOOD, declined=8),
    ],
)
def test_one_wrong_figure_fails_the_demo(outcome: DemoTally) -> None:
    assert not summary(outcome, [HOLDS], 1.0).oracle_ok


def test_one_failed_check_fails_the_demo() -> None:
    assert not summary(GOOD, [HOLDS, FAILS, HOLDS], 1.0).oracle_ok
