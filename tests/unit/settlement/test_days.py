"""Days in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from groat.kernel.errors import InvalidRequest
from groat.settlement.domain.days import day_span

NOW = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)


def test_today_is_the_day_of_the_time_zone() -> None:
    assert day_span(None, "UTC", NOW)[1] == datetime(2026, 3, 6, tzinfo=UTC)
    assert day_span(None, "Europe/Berlin", NOW)[0] == datetime(2026, 3, 5, 23, tzinfo=UTC)


def test_a_day_begins_and_ends_in_its_time_zone() -> None:
    since, until = day_span("2026-03-29", "Europe/Berlin", NOW)
    assert (since, until) == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(("day", "zone"), [("2026-02-30", "UTC"), (None, "Mars/Base"), (None, "/")])
def test_a_day_that_does_not_exist_is_refused(day: str | None, zone: str) -> None:
    with pytest.raises(InvalidRequest, match="Give a day"):
        day_span(day, zone, NOW)
