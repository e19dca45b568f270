from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.moments import (
    EARLIEST,
    LATEST,
    NotAMoment,
    from_unix,
    read_date,
    read_moment,
    storable,
)

STORABLE = st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(STORABLE, OFFSETS)
def test_a_time_in_any_offset_is_read_as_its_moment_in_utc(
    moment: datetime, offset: timezone
) -> None:
    try:
        text = moment.astimezone(offset).isoformat()
    except OverflowError:
        return
    assert read_moment(text) == moment
    assert read_moment(text).tzinfo is UTC


@given(st.text() | st.from_regex(r"\A[0-9]{1,20}\Z") | st.datetimes().map(str))
def test_any_text_is_a_storable_moment_or_none(text: str) -> None:
    try:
        moment = read_moment(text)
    except NotAMoment:
        return
    assert storable(moment) == moment


def test_digits_beyond_microseconds_are_dropped() -> None:
    read = read_moment("2026-01-31t12:00:00.123456789z")
    assert read == datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_date_is_the_beginning_of_its_day_in_utc() -> None:
    assert read_date("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    for text in ("20260131", "2026-02-30", "2026-W05-6", "1969-12-31", "2026-01-31T00:00:00Z"):
        with pytest.raises(NotAMoment):
            read_date(text)


@given(st.integers())
def test_any_number_of_seconds_is_a_storable_moment_or_none(seconds: int) -> None:
    moment = from_unix(seconds)
    assert moment is None or (storable(moment) == moment and moment.timestamp() == seconds)
    assert from_unix(0) == EARLIEST
    assert from_unix(10**18) is None


def test_a_time_out_of_bounds_is_not_storable() -> None:
    assert storable(None) is None
    assert storable(EARLIEST - timedelta(microseconds=1)) is None
    assert storable(LATEST + timedelta(microseconds=1)) is None
    assert storable(LATEST) == LATEST
